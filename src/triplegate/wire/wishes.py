"""Members of a request that no neutral field stands for: which of them ask for something at all."""

from collections.abc import Mapping

import msgspec

from triplegate.wire.neutral import Raw, Request

_NOTHING = frozenset({b"", b"null", b"[]", b"{}"})
_DEFAULTS: Mapping[str, frozenset[bytes]] = {
    "background": frozenset({b"false"}),
    "include": frozenset({b'["reasoning.encrypted_content"]'}),
    "modalities": frozenset({b'["text"]'}),
    "store": frozenset({b"false"}),
    "truncation": frozenset({b'"disabled"'}),
}
"""What a client may write out although it is so anyway; opaque reasoning always travels with the answer."""


def asks(name: str, value: Raw) -> bool:
    """Whether leaving the member out would change the answer."""
    text = bytes(value).translate(None, b" \t\r\n") if len(value) < 64 else bytes(value)
    return text not in _NOTHING and text not in _DEFAULTS.get(name, ())


def without_idle(request: Request) -> Request:
    """The request without members that ask for nothing: they are no loss, whoever cannot carry them."""
    kept = {name: value for name, value in request.rest.items() if asks(name, value)}
    return request if len(kept) == len(request.rest) else msgspec.structs.replace(request, rest=kept)


def in_background(request: Request) -> bool:
    """Whether the client wants to fetch the answer later: only a provider of its own dialect can do that."""
    return bytes(request.rest.get("background", Raw(b""))) == b"true"
