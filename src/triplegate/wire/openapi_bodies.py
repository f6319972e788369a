"""Bodies of OpenAPI operations as an argument of a tool: JSON, forms with and without files, text and bytes."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from triplegate.wire.openapi_schema import BINARY, Schemas, Unusable, is_binary, is_old, kinds_of, resolved
from triplegate.wire.openapi_styles import STYLES, Style

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
FILES = "multipart/form-data"
TEXT = "text/plain"
BYTES = "application/octet-stream"
_RANKS = (JSON, "", FILES, FORM, TEXT, BYTES)  # "": other kinds of JSON
_DEEPEST = 32
_REPEATED = Style("form", explode=True)


class Field(msgspec.Struct, frozen=True):
    """How a member of a form is written."""

    media: str = ""
    """What its part says that it is."""
    file: bool = False
    """It is bytes, told as base64."""
    style: Style | None = None
    """None: primitives are text, lists are repeated, objects are JSON."""


class Body(msgspec.Struct, frozen=True, eq=False):
    """The argument that is the body."""

    key: str
    media: str
    required: bool
    fields: Mapping[str, Field] = {}
    """Members of a form that are written in a way of their own."""


def read_body(
    document: Mapping[str, Any], written: Any, schemas: Schemas, properties: dict[str, Any], without: list[str]
) -> Body | None:
    """The body, where there is one; one that cannot be sent and need not be is told in `without`. Raises Unusable."""
    if written is None:
        return None
    said = resolved(written, document)
    content = said.get("content")
    required = bool(said.get("required"))
    whys: list[str] = []
    for media, each in sorted(_known(content), key=lambda pair: _rank(pair[0])):
        try:
            fields = _fields(document, media, each)
            schemas.files = media in (FILES, BYTES)
            schema = BINARY if media == BYTES else schemas.read(each.get("schema", {}))
        except Unusable as unusable:
            whys.append(f"{media}: {unusable}")
            continue
        key = "body" if "body" not in properties else "request_body"
        properties[key] = schema
        return Body(key, media, required, fields)
    why = "; ".join(whys) or f"it is {', '.join(map(str, content or ()))[:200] or 'of no media type'}"
    if required:
        raise Unusable(f"its body: {why}")
    without.append(f"without its body: {why}")
    return None


def _known(content: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for media, each in content.items() if isinstance(content, Mapping) else ():
        plain = str(media).partition(";")[0].strip().lower()
        if plain in _RANKS or plain.endswith("+json"):
            yield plain, each if isinstance(each, Mapping) else {}


def _rank(media: str) -> int:
    return _RANKS.index(media if media in _RANKS else "")


def _fields(document: Mapping[str, Any], media: str, said: Mapping[str, Any]) -> dict[str, Field]:
    if media not in (FILES, FORM):
        return {}
    for word in ("prefixEncoding", "itemEncoding", "itemSchema"):
        if word in said:
            raise Unusable(f"it has {word}")
    kinds = kinds_of(said.get("schema", {}), document)
    if kinds and "object" not in kinds:
        raise Unusable("it is a form, and no object")
    found: dict[str, list[Any]] = {}
    _members(said.get("schema", {}), document, found, 0)
    encodings = said.get("encoding") or {}
    names = dict.fromkeys([*found, *encodings])
    fields = {}
    for name in names:
        try:
            encoding = resolved(encodings.get(name, {}), document)
            field = _field(document, media, found.get(name, []), encoding)
        except Unusable as why:
            raise Unusable(f"its field {str(name)[:100]}: {why}") from why
        if field != Field():
            fields[str(name)] = field
    return fields


def _members(node: Any, document: Mapping[str, Any], found: dict[str, list[Any]], depth: int) -> None:
    """The schemas of an object's members, of all its alternatives."""
    if depth > _DEEPEST or not isinstance(node, Mapping):
        return
    node = resolved(node, document)
    for name, each in (node.get("properties") or {}).items():
        schemas = found.setdefault(name, [])
        if each not in schemas:
            schemas.append(each)
    for word in ("allOf", "anyOf", "oneOf"):
        for one in node.get(word) or ():
            _members(one, document, found, depth + 1)


def _field(document: Mapping[str, Any], media: str, schemas: list[Any], encoding: Mapping[str, Any]) -> Field:
    leaves: set[str] = set()
    for schema in schemas:
        _leaves(schema, document, leaves, 0)
    file = "file" in leaves
    if file and media == FORM:
        raise Unusable("it is a file, and the form has none")
    if file and "text" in leaves:
        raise Unusable("it is a file or a text, and nobody could tell")
    headers = [name for name in encoding.get("headers") or {} if str(name).lower() != "content-type"]
    if headers:
        raise Unusable(f"its part has the header {', '.join(map(str, headers))[:200]}")
    kind = _media(encoding.get("contentType"), file=file)
    written = file or not kind or _is_plain(kind) or leaves == {"text"}
    if not (written and kind.isascii() and kind.isprintable()):
        raise Unusable(f"it is {kind[:100]!r}")
    styled = any(word in encoding for word in ("style", "explode", "allowReserved"))
    if media == FILES:
        if styled and not is_old(document) and _style(encoding) != _REPEATED:
            raise Unusable("parts of a form have no style")
        return Field(kind, file)
    return Field(kind, style=_style(encoding) if styled else None)


def _style(encoding: Mapping[str, Any]) -> Style:
    name = encoding.get("style") or "form"
    if name not in STYLES["query"]:
        raise Unusable(f"it has the style {str(name)[:100]}")
    return Style(name, bool(encoding.get("explode", name == "form")), encoding.get("allowReserved") is True)


def _leaves(node: Any, document: Mapping[str, Any], leaves: set[str], depth: int) -> None:
    """Whether it is a file, a text or something else, whichever alternative is meant, or a list of such."""
    if depth > _DEEPEST or not isinstance(node, Mapping):
        return
    node = resolved(node, document)
    if is_binary(node):
        leaves.add("file")
        return
    kinds = kinds_of(node, document)
    inner = [one for word in ("allOf", "anyOf", "oneOf") for one in node.get(word) or ()]
    if "array" in kinds and "items" in node:
        inner.append(node["items"])
    for one in inner:
        _leaves(one, document, leaves, depth + 1)
    if not inner and kinds:
        leaves.add("text" if "string" in kinds else "other")


def _media(said: Any, *, file: bool) -> str:
    """The first that is one; a choice of several is left to whoever sends a file."""
    if not isinstance(said, str):
        return ""
    each = [one.strip() for one in said.split(",")]
    if file and len(each) > 1:
        return ""
    return "" if "*" in each[0] else each[0].lower()


def _is_plain(media: str) -> bool:
    plain = media.partition(";")[0].strip()
    return plain.startswith("text/") or plain == JSON or plain.endswith("+json")
