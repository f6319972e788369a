"""The pepper that keys are hashed with: given by settings, else made once and kept in the state directory."""

import os
import secrets
from pathlib import Path

from triplegate.config.settings import Settings


def load_pepper(settings: Settings) -> bytes:
    """The pepper; made on first use (file of mode 0600). Raises OSError when it can be neither read nor kept."""
    if settings.pepper is not None:
        return settings.pepper.reveal().encode()
    path = settings.state_path / "pepper"
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        return _make(path)


def _make(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, secrets.token_hex(32).encode())
        os.fsync(file)
    finally:
        os.close(file)
    try:
        os.link(fresh, path)  # fails where a rename would replace
    except FileExistsError:
        pass  # another worker was first: its pepper is the one
    finally:
        fresh.unlink()
    return path.read_bytes().strip()
