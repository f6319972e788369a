"""How values stand in paths, queries, headers, cookies and forms: the styles of OpenAPI 3 (RFC 6570)."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from triplegate.core.errors import Refusal

STYLES = {
    "path": ("simple", "label", "matrix"),
    "header": ("simple",),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "cookie": ("form", "cookie"),
}
"""By place; the first is the usual one."""
_BETWEEN = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}
_RESERVED = ":/?@!$'()*,="
"""What `allowReserved` leaves as it is: nothing that would begin another parameter, or end the query."""
_COOKIE = re.compile(r"[!#-+\--:<-\[\]-~]*")
Quoted = Callable[[str], str]
Pairs = Iterator[tuple[str, str]]

escaped: Quoted = partial(quote, safe="")
escaped_plus: Quoted = quote_plus
_named: Quoted = partial(quote, safe="[]")
reserved: Quoted = partial(quote, safe=_RESERVED)


class Style(msgspec.Struct, frozen=True):
    """One way to write a value."""

    name: str
    explode: bool
    reserved: bool = False
    json: bool = False
    """It is written as JSON instead."""


def bad_argument(name: str, why: str) -> Refusal:
    """An argument that cannot be sent."""
    return Refusal("rpc_invalid_params", f"The argument '{name[:64]}' {why}.")


def text_of(value: Any) -> str:
    """A primitive as it stands in a URL; JSON of what is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def pieces(value: Any, key: str) -> list[str] | dict[str, str]:
    """A value as texts: one or more, or by name. Raises Refusal for what nests: no style says how that is written."""
    inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    if any(isinstance(each, list | dict) for each in inner):
        raise bad_argument(key, "holds lists or objects within, which cannot be sent")
    if isinstance(value, dict):
        return {name: text_of(each) for name, each in value.items() if each is not None}
    return [text_of(each) for each in value] if isinstance(value, list) else [text_of(value)]


def simple(value: Any, key: str, *, explode: bool, between: str = ",", quoted: Quoted = str) -> str:
    """`a,b`, or of an object `k,v` and, exploded, `k=v`."""
    found = pieces(value, key)
    if isinstance(found, list):
        return between.join([quoted(each) for each in found])
    if explode:
        return between.join([f"{quoted(name)}={quoted(each)}" for name, each in found.items()])
    return between.join([quoted(part) for pair in found.items() for part in pair])


def path_part(style: Style, name: str, key: str, value: Any) -> str:
    """What stands in a path, without what could lead elsewhere. Raises Refusal."""
    if style.json:
        value, style = (
            text_of(value) if isinstance(value, str) else msgspec.json.encode(value).decode(),
            Style("", True),
        )
    found = pieces(value, key)
    for each in found if isinstance(found, list) else (*found, *found.values()):
        if each in ("", ".", "..") or any(letter in "/\\" or letter < " " or letter == "\x7f" for letter in each):
            raise bad_argument(key, "cannot stand in a path")
    if not found:
        raise bad_argument(key, "cannot stand in a path")
    if style.name == "label":
        between = "." if style.explode else ","
        return "." + simple(value, key, explode=style.explode, between=between, quoted=escaped)
    if style.name != "matrix":
        return simple(value, key, explode=style.explode, quoted=escaped)
    if not style.explode or not isinstance(value, list | dict):
        return f";{escaped(name)}=" + simple(value, key, explode=False, quoted=escaped)
    return "".join([f";{one}={each}" for one, each in _exploded(found, name, escaped)])


def _exploded(found: list[str] | dict[str, str], name: str, quoted: Quoted) -> Pairs:
    if isinstance(found, dict):
        for one, each in found.items():
            yield quoted(one), quoted(each)
    else:
        for each in found:
            yield quoted(name), quoted(each)


def pairs(style: Style, name: str, key: str, value: Any, quoted: Quoted) -> Pairs:
    """Names and values of a query or a form, both as they are written; nothing of an empty list or object.

    Raises Refusal for a value that its style has no way to write.
    """
    if style.reserved:
        quoted = reserved
    if style.json:
        yield escaped(name), quoted(msgspec.json.encode(value).decode())
        return
    found = pieces(value, key)
    whole, many = isinstance(value, dict), isinstance(value, list | dict)
    if style.name == "deepObject":
        if not isinstance(found, dict):
            raise bad_argument(key, "is no object")
        for one, each in found.items():
            yield _named(f"{name}[{one}]"), quoted(each)
    elif style.explode or not many:
        if whole and style.name in _BETWEEN:
            raise bad_argument(key, f"is an object, which the style {style.name} cannot explode")
        for one, each in _exploded(found, name, str):
            yield _named(one), quoted(each)
    elif found:
        yield _named(name), simple(value, key, explode=False, between=_BETWEEN.get(style.name, ","), quoted=quoted)


def cookies(style: Style, name: str, key: str, value: Any) -> Iterator[str]:
    """`name=value`, each for itself. Raises Refusal."""
    many = isinstance(value, list | dict) and not style.json
    if style.name == "form" and many and style.explode:
        raise bad_argument(key, "is a list or an object, which the style form cannot explode in a cookie")
    if style.json:
        yield f"{name}={escaped(msgspec.json.encode(value).decode())}"
    elif style.name == "form":
        text = simple(value, key, explode=False, quoted=escaped)
        yield f"{name}={text}"
    elif many and style.explode:
        yield from [_cookie(key, *pair) for pair in _exploded(pieces(value, key), name, str)]
    else:
        yield _cookie(key, name, simple(value, key, explode=False))


def _cookie(key: str, name: str, text: str) -> str:
    if not (name and _COOKIE.fullmatch(name) and "=" not in name and _COOKIE.fullmatch(text.replace(",", ""))):
        raise bad_argument(key, "cannot stand in a cookie")
    return f"{name}={text}"
