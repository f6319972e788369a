"""What a client wishes of caches: `Cache-Control` of a request (RFC 9111 §5.2.1), as far as it makes sense here."""

import msgspec

from triplegate.core.http import Headers


class Wishes(msgspec.Struct, frozen=True, gc=False):
    """Read once a call."""

    store: bool = True
    """False: nothing of this call is kept (no-store)."""
    use: bool = True
    """False: a remembered answer will not do (no-cache)."""
    oldest: float | None = None
    """Seconds a remembered answer may be old (max-age)."""
    only: bool = False
    """Nobody else may be asked (only-if-cached)."""


_NONE = Wishes()


def read_wishes(headers: Headers) -> Wishes:
    """The wishes; what is malformed or of no meaning here is no wish."""
    said = [value for name, value in headers if name == b"cache-control"]
    if not said:
        return _NONE
    store = use = True
    oldest: float | None = None
    only = False
    for directive in b",".join(said).decode("latin-1").lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name == "no-store":
            store = use = False
        elif name == "no-cache":
            use = False
        elif name == "only-if-cached":
            only = True
        elif name == "max-age" and value.strip('"').isdigit():
            seconds = float(value.strip('"')[:12])
            oldest = seconds if oldest is None else min(oldest, seconds)
    return Wishes(store, use, oldest, only)
