"""Parameters of an OpenAPI operation as arguments of a tool: where each goes, in which style, and what cannot go."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from triplegate.wire.headers import CERTIFICATES, FORWARDING, HOP_BY_HOP, OWN_PREFIX
from triplegate.wire.openapi_schema import Schemas, Unusable, kinds_of, resolved
from triplegate.wire.openapi_styles import STYLES, Style

LONGEST = 2000
"""Characters of a description."""
_IGNORED = frozenset({"accept", "content-type", "authorization"})
"""Fields that are no parameters: OpenAPI says to ignore them."""
_SENT = frozenset({"x-request-id", "traceparent", "user-agent"})
"""Fields that the gateway sends of itself."""
_NOT_SET = frozenset([name.decode("ascii") for name in HOP_BY_HOP | FORWARDING | CERTIFICATES]) | {
    "accept-encoding",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "host",
    "via",
}
"""Fields that are not a caller's to say."""
_OWN = OWN_PREFIX.decode("ascii")
_FIELD = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~_-]+")


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of an operation."""

    name: str
    place: str
    """path, query, header or cookie."""
    key: str
    """The argument it comes from."""
    required: bool
    style: Style


def read_parameters(
    document: Mapping[str, Any], written: list[Any], schemas: Schemas, properties: dict[str, Any], without: list[str]
) -> Iterator[Parameter]:
    """Those of the operation in the place of those of its path.

    One that cannot be sent and need not be is told in `without`. Raises Unusable.
    """
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for each in written:
        said = resolved(each, document)
        place, name = said.get("in"), said.get("name")
        if not isinstance(name, str) or not isinstance(place, str):
            raise Unusable("a parameter without name or place")
        found[place, name] = said
    names = [name for _, name in found]
    for (place, name), said in found.items():
        if place == "header" and name.lower() in _IGNORED | _SENT:
            continue
        key = name if names.count(name) == 1 else f"{place}_{name}"
        try:
            parameter = _parameter(document, said, place, name, key)
            properties[key] = _described(said, schemas)
        except Unusable as why:
            if said.get("required") or place == "path":
                raise Unusable(f"its parameter {name[:100]}: {why}") from why
            without.append(f"without its parameter {name[:100]}: {why}")
        else:
            yield parameter


def _parameter(document: Mapping[str, Any], said: Mapping[str, Any], place: str, name: str, key: str) -> Parameter:
    if place not in STYLES:
        raise Unusable(f"it stands in {place[:100]}")
    if place in ("header", "cookie") and not _FIELD.fullmatch(name):
        raise Unusable("it cannot be a name there")
    if place == "header" and (name.lower() in _NOT_SET or name.lower().startswith(_OWN)):
        raise Unusable("this field is not a caller's to say")
    return Parameter(name, place, key, bool(said.get("required")) or place == "path", _style(document, said, place))


def _style(document: Mapping[str, Any], said: Mapping[str, Any], place: str) -> Style:
    content = said.get("content")
    if content:
        if not isinstance(content, Mapping) or list(content) != ["application/json"]:
            raise Unusable(f"it is written as {', '.join(map(str, content))[:100]}")
        return Style("", explode=False, json=True)
    name = said.get("style") or STYLES[place][0]
    if name not in STYLES[place]:
        raise Unusable(f"it has the style {str(name)[:100]}")
    explode = bool(said.get("explode", name in ("form", "cookie")))
    kinds = kinds_of(said.get("schema", {}), document)
    if name == "deepObject" and kinds and "object" not in kinds:
        raise Unusable("the style deepObject is for objects")
    if (place, name) == ("cookie", "form") and explode and kinds and kinds <= {"array", "object"}:
        raise Unusable("a cookie cannot be exploded in the style form")
    if name in ("spaceDelimited", "pipeDelimited") and explode and kinds == {"object"}:
        raise Unusable(f"the style {name} cannot explode an object")
    return Style(name, explode, reserved=place == "query" and said.get("allowReserved") is True)


def _described(said: Mapping[str, Any], schemas: Schemas) -> Any:
    content = said.get("content")
    written = next(iter(content.values()), {}) if isinstance(content, Mapping) else said
    schema = schemas.read((written or {}).get("schema", {}))
    if isinstance(said.get("description"), str) and isinstance(schema, dict) and "$ref" not in schema:
        schema.setdefault("description", said["description"][:LONGEST])
    return schema
