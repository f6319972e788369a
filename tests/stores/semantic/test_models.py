"""The models: the export says what the original says, texts of any length, and what is missing is told."""

import numpy as np
import pytest

from triplegate.stores.semantic.models import EXPORTED, Onnx, can, exported, load

needs_semantic = pytest.mark.skipif(
    not (can("onnx") and can("sentence-transformers")), reason="needs the extra semantic"
)
ALIKE = ("How do I reset my password?", "I forgot my password, how can I get a new one?")
OTHER = "The recipe needs two eggs and a spoon of sugar."


@needs_semantic
def test_the_export_finds_alike_what_is_alike(embedding_model):
    model = Onnx(embedding_model)
    one, two, other = model.encode([*ALIKE, OTHER])
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-3)
    assert float(one @ two) > 0.7
    assert float(one @ other) < 0.3
    assert model.fingerprint.startswith("onnx:")


@needs_semantic
def test_a_text_has_one_vector_whoever_it_is_embedded_with(embedding_model):
    model = Onnx(embedding_model)
    together = model.encode([ALIKE[0], OTHER * 40, "x", ALIKE[1]])
    for at, text in enumerate((ALIKE[0], OTHER * 40, "x", ALIKE[1])):
        assert float(together[at] @ model.encode([text])[0]) > 0.98


@pytest.mark.long
@needs_semantic
def test_the_export_says_what_the_original_says(embedding_model):
    original = load("sentence-transformers", "", None)
    texts = [*ALIKE, OTHER, "Wie setze ich mein Passwort zurück?"]
    alike = (original.encode(texts) * Onnx(embedding_model).encode(texts)).sum(axis=1)
    assert alike.min() > 0.97


@pytest.mark.skipif(not can("static"), reason="needs the extra semantic")
def test_the_static_model_needs_no_network():
    model = load("static", "", None)
    one, two, other = model.encode([*ALIKE, OTHER])
    assert float(one @ two) > float(one @ other)


def test_half_an_export_is_none(tmp_path):
    assert exported([tmp_path]) is None
    (tmp_path / EXPORTED[0]).write_bytes(b"x")
    assert exported([tmp_path]) is None
    (tmp_path / EXPORTED[1]).write_bytes(b"x")
    assert exported([tmp_path / "no", tmp_path]) == tmp_path


def test_without_an_export_there_is_nothing_to_load():
    with pytest.raises(FileNotFoundError, match="triplegate embed export"):
        load("onnx", "", None)
