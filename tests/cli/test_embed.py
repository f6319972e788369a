"""`triplegate embed export`: writes a model where the gateway looks for it, and says what is missing."""

import pytest

from triplegate.cli import entry
from triplegate.stores.semantic import exporting, making


def test_it_writes_below_the_configuration_and_says_where(tmp_path, monkeypatch, capsys):
    (tmp_path / "triplegate.yaml").write_text("{}\n")

    def write(folder):
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(b"x" * 2_000_000)
        return folder / "model.onnx"

    monkeypatch.setattr(exporting, "export", write)
    assert entry.run(["embed", "export", "--config", str(tmp_path)]) == 0
    written = tmp_path / making.FOLDER / "model.onnx"
    assert capsys.readouterr().out == f"wrote {written} (2.0 MB)\n"
    assert entry.run(["embed", "export", "--output", str(tmp_path / "here")]) == 0
    assert (tmp_path / "here/model.onnx").is_file()


def test_without_the_extra_it_says_how_to_have_it(tmp_path, monkeypatch, capsys):
    def write(folder):
        raise ModuleNotFoundError("No module", name="torch")

    monkeypatch.setattr(exporting, "export", write)
    assert entry.run(["embed", "export", "--output", str(tmp_path)]) == 1
    assert "torch is not installed: install the extra `semantic`" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["embed"], ["embed", "--help"]])
def test_its_help_names_what_it_does(arguments, capsys):
    assert entry.run(arguments) == 0
    assert "export" in capsys.readouterr().out
