"""Which era of MCP a request speaks: 2026-07-28, where each stands alone, or the sessions before it."""

from typing import Literal

MODERN = "2026-07-28"
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Handshake revisions served, newest first."""
OLDEST = "2024-11-05"
"""Spoken by servers behind us only."""
ASSUMED = "2025-03-26"
"""What a legacy request without a version header speaks (2025-06-18 transports)."""

Era = Literal["modern", "legacy"]


def era_of(version: str | None, *, enveloped: bool, session: bool, method: str) -> Era:
    """The era by the version header, `enveloped` (the body's `_meta` names a version) and whether a session id came.

    An unknown version without a session goes to the modern ladder, which refuses it with the versions there are.
    """
    if enveloped or version == MODERN:
        return "modern"
    if version is None or version in LEGACY or session or method == "initialize":
        return "legacy"
    return "modern"


def negotiate(asked: object) -> str:
    """The version an `initialize` gets: the one it asked for, else our newest of that era."""
    return asked if isinstance(asked, str) and asked in LEGACY else LEGACY[0]


def status_of(code: int) -> int:
    """HTTP status that 2026-07-28 gives a JSON-RPC error code."""
    return _STATUS.get(code, 200)


_STATUS = {-32700: 400, -32600: 400, -32602: 400, -32020: 400, -32021: 400, -32022: 400, -32601: 404}
