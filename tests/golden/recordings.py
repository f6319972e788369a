"""Recorded provider traffic, shared by the codec tests; skipped when absent, unless it is required."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

GOLDEN = Path(__file__).resolve().parent
_ROOT = GOLDEN.parent.parent


class Recorded(NamedTuple):
    """One exchange: what was asked, and the bytes that came back."""

    name: str
    request: dict[str, Any]
    status: int
    framing: str
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def _folder() -> Path | None:
    said = os.environ.get("TRIPLEGATE_SHARED", "")
    folder = (Path(said) if said and said != "required" else _ROOT.parent / "shared") / "fixtures" / "llm"
    if folder.is_dir():
        return folder
    assert said != "required", f"recordings are required, but {folder} is missing"
    return None


def recorded(*providers: str) -> list[Any]:
    """Every exchange of these providers as pytest parameters; one skipped parameter when there are none here."""
    folder = _folder()
    if folder is None:
        return [pytest.param(None, marks=pytest.mark.skip(reason="no recordings here (TRIPLEGATE_SHARED)"))]
    return [
        pytest.param(exchange, id=exchange.name) for provider in providers for exchange in _exchanges(folder / provider)
    ]


def _exchanges(folder: Path) -> Iterator[Recorded]:
    for meta in sorted(folder.glob("*/*response.meta.json")):
        prefix = meta.name.removesuffix("response.meta.json")
        head = json.loads(meta.read_text())
        request = json.loads((meta.parent / f"{prefix}request.json").read_text())
        body = (meta.parent / f"{prefix}response.body").read_bytes()
        yield Recorded(f"{folder.name}/{meta.parent.name}/{prefix}", request, head["status"], head["framing"], body)


def streams(*providers: str) -> list[Any]:
    """Only the exchanges whose answer is a stream of events."""
    return [one for one in recorded(*providers) if one.values[0] is None or one.values[0].framing == "sse"]
