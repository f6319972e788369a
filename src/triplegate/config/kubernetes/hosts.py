"""Host names of listeners and routes: which are meant by both."""

from collections.abc import Sequence


def intersect(listener: str | None, route: Sequence[str]) -> list[str]:
    """Host patterns that a route serves at a listener; `*` is any host, an empty list is none in common."""
    if not route:
        return [listener or "*"]
    if not listener:
        return list(dict.fromkeys(route))
    found = (narrower(listener, one) for one in route)
    return list(dict.fromkeys(one for one in found if one is not None))


def narrower(one: str, other: str) -> str | None:
    """The narrower of two patterns when it lies within the wider one; None when they have no host in common."""
    if one == other:
        return one
    for wide, narrow in ((one, other), (other, one)):
        suffix = wide[1:]
        if wide.startswith("*.") and narrow.endswith(suffix) and len(narrow.removeprefix("*")) > len(suffix):
            return narrow
    return None
