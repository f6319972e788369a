"""Patterns of names and URIs: * stands for any characters; and what else a URI may be read as."""

import posixpath
import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote

_PLAIN = re.compile(r"[a-z][a-z0-9+.-]*:(?://[^/%\\A-Z]*)?(?:/(?!\.|/)[^/%\\]*|[^/%\\])*")
_PARTS = re.compile(r"([^:/]*:)?(//[^/]*)?(.*)", re.DOTALL)


def glob(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name fits one of `patterns` as a whole; * stands for any characters. None of none."""
    joined = "|".join(re.escape(pattern).replace(r"\*", ".*") for pattern in patterns)
    if not joined:
        return lambda _: False
    match = re.compile(joined, re.DOTALL).fullmatch
    return lambda name: match(name) is not None


def readings(uri: str) -> tuple[str, ...]:
    """The URI as it is written and, where a server may take it for another one, as that one.

    Letters of scheme and host, percent encoding, dot segments and backslashes are read differently by different
    servers: what is allowed must be so in every reading, what is forbidden in any.
    """
    if _PLAIN.fullmatch(uri):
        return (uri,)
    found, text = {uri: None}, uri
    for _ in range(2):  # encoded twice is read once by some, twice by others
        found[_normal(text)] = None
        text = unquote(text)
    found[_normal(text)] = None
    return tuple(found)


def _normal(uri: str) -> str:
    scheme, authority, path = _PARTS.fullmatch(uri.replace("\\", "/")).groups("")  # type: ignore[union-attr]
    if "/" in path:
        folder = path.endswith(("/", "/.", "/.."))
        path = posixpath.normpath(path)
        path = "/" + path.lstrip("/") if path.startswith("/") else path
        path += "/" if folder and not path.endswith("/") else ""
    return scheme.lower() + authority.lower() + path
