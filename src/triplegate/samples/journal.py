"""The upstream's own truth for kill tests: one JSON line an event, on disk before a client can know of it."""

import os
import time
from pathlib import Path
from typing import Any

import msgspec


class Journal:
    """Appends to a file, one `write` and one `fsync` a line; several samples may share it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, line: dict[str, Any]) -> None:
        """Append one line, stamped with Unix nanoseconds; blocks until it is on disk."""
        os.write(self._file, msgspec.json.encode({"ns": time.time_ns(), **line}) + b"\n")
        os.fsync(self._file)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)


def read(path: Path) -> list[dict[str, Any]]:
    """All whole lines of a journal, in order; one that a kill cut short is left out."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
