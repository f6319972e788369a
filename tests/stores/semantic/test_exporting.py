"""An export is whole, or it is not there."""

import pytest

from triplegate.stores.semantic import exporting
from triplegate.stores.semantic.models import EXPORTED, can

pytestmark = pytest.mark.skipif(not (can("onnx") and can("sentence-transformers")), reason="needs the extra semantic")


def test_it_is_a_fraction_of_the_original(embedding_model):
    assert [(embedding_model / name).is_file() for name in EXPORTED] == [True, True]
    assert (embedding_model / EXPORTED[0]).stat().st_size < 30_000_000
    assert sorted(one.name for one in embedding_model.iterdir()) == sorted(EXPORTED)


def test_one_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def broken(plain, small):
        raise OSError("disk full")

    monkeypatch.setattr(exporting, "_quantise", broken)
    with pytest.raises(OSError, match="disk full"):
        exporting.export(tmp_path / "embed")
    assert list((tmp_path / "embed").iterdir()) == []
