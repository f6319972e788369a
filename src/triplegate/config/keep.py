"""The last good documents on disk: what a cold start serves when the configuration is broken or out of reach."""

import contextlib
import os
from pathlib import Path

import msgspec

from triplegate.config.faults import Findings, Position
from triplegate.config.load import Loaded, compile_documents
from triplegate.config.merge import Merged
from triplegate.config.reader import planted
from triplegate.config.settings import Settings
from triplegate.core.policy import Registry

FILE = "last-good/documents.json"


def keep(loaded: Loaded, state_path: Path) -> Path:
    """Write the documents of `loaded`, whole or not at all; references stay references. Raises OSError."""
    path = state_path / FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    content = msgspec.json.encode({"hash": loaded.hash, "documents": loaded.raw})
    try:
        with fresh.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
    return path


def last_good(settings: Settings, registry: Registry) -> Loaded | None:
    """The documents that were last kept; None when there are none.

    Raises ConfigError when they no longer fit (a policy is gone, say).
    """
    path = settings.state_path / FILE
    findings = Findings()
    try:
        kept = msgspec.json.decode(path.read_bytes())
        raw = dict(kept["documents"])
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        findings.fault(Position(str(path), 1, 1), "the last good documents are damaged: delete the file")
        findings.raise_faults()
    merged = Merged()
    merged.documents = planted(raw, Position(FILE, 1, 1))
    documents, filled = compile_documents(merged, registry, findings)
    findings.raise_faults()
    return Loaded(documents, settings, tuple(findings.warnings), documents.digest(), filled)
