"""OpenAPI 3 documents as tools: operations with one schema of all they take, and calls of them as HTTP requests."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import encode
from triplegate.wire.openapi_schema import Schemas, Unusable, resolved

METHODS = ("get", "head", "put", "post", "delete", "patch", "options")
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
TEXT = "text/plain"
LARGEST = 128 * 1024
"""Bytes of one tool's definition."""
_PLACES = ("path", "query", "header")
_STYLES = {
    "path": ("simple",),
    "header": ("simple",),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
}
_NOT_SET = (
    "accept",
    "content-type",
    "authorization",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "cookie",
)
_FIELD = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]+")
_NOT_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 2000  # characters of a description


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of an operation."""

    name: str
    place: str
    """path, query or header."""
    key: str
    """The argument it comes from."""
    required: bool
    explode: bool
    style: str


class Operation(msgspec.Struct, frozen=True):
    """An operation, and the tool that it is."""

    name: str
    method: str
    path: str
    """The template: /pets/{id}."""
    parameters: tuple[Parameter, ...]
    body: str
    """The argument that is the body; empty: there is none."""
    media: str
    """What the body is sent as."""
    needs_body: bool
    definition: bytes
    """The tool, as JSON."""


def operations(document: Mapping[str, Any], left_out: list[str]) -> Iterator[Operation]:
    """What an OpenAPI 3 document describes, in its order; why an operation is none is put into `left_out`.

    Raises ValueError when it is no such document.
    """
    version = document.get("openapi") if isinstance(document, Mapping) else None
    if not isinstance(version, str) or not version.startswith("3."):
        raise ValueError("no OpenAPI 3 document")
    paths = document.get("paths") or {}
    taken: set[str] = set()
    for path, written in paths.items() if isinstance(paths, Mapping) else ():
        try:
            item = resolved(written, document)
        except Unusable as why:
            left_out.append(f"{path}: {why}")
            continue
        for method in METHODS:
            if not isinstance(item.get(method), Mapping):
                continue
            try:
                yield _operation(document, path, method, item, taken)
            except (Unusable, RecursionError) as why:
                left_out.append(f"{method.upper()} {path}: {why or 'it nests too deep'}")


def _operation(
    document: Mapping[str, Any], path: str, method: str, item: Mapping[str, Any], taken: set[str]
) -> Operation:
    said = item[method]
    schemas = Schemas(document)
    properties: dict[str, Any] = {}
    parameters = tuple(
        _parameters(document, [*(item.get("parameters") or ()), *(said.get("parameters") or ())], schemas, properties)
    )
    if {parameter.name for parameter in parameters if parameter.place == "path"} != set(
        re.findall(r"\{([^}]+)\}", path)
    ):
        raise Unusable("its path names other parameters than it has")
    body, media, needs_body = _body(document, said.get("requestBody"), schemas, properties)
    required = [parameter.key for parameter in parameters if parameter.required] + [body] * needs_body
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if schemas.used:
        schema["$defs"] = schemas.definitions()
    name = _name(said.get("operationId") or f"{method}_{path.strip('/')}", taken)
    words = "\n\n".join(text for text in (said.get("summary"), said.get("description")) if isinstance(text, str))
    definition = encode(
        {
            "name": name,
            "description": words[:_LONGEST] or f"{method.upper()} {path}",
            "inputSchema": schema,
            "annotations": {
                "readOnlyHint": method in ("get", "head", "options"),
                "destructiveHint": method in ("put", "patch", "delete"),
                "idempotentHint": method in ("get", "head", "options", "put", "delete"),
            },
        }
    )
    if len(definition) > LARGEST:
        raise Unusable(f"its definition has more than {LARGEST} bytes")
    return Operation(name, method.upper(), path, parameters, body, media, needs_body, definition)


def _parameters(
    document: Mapping[str, Any], written: list[Any], schemas: Schemas, properties: dict[str, Any]
) -> Iterator[Parameter]:
    """Those of the operation in the place of those of its path; cookies are nobody's to set."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for each in written:
        said = resolved(each, document)
        place, name = said.get("in"), said.get("name")
        if not isinstance(name, str) or place not in (*_PLACES, "cookie"):
            raise Unusable("a parameter without name or place")
        found[place, name] = said
    names = [name for _, name in found]
    for (place, name), said in found.items():
        if place == "cookie":
            if said.get("required"):
                raise Unusable("it needs a cookie")
            continue
        if place == "header" and (name.lower() in _NOT_SET or not _FIELD.fullmatch(name)):
            continue  # the first three OpenAPI itself says are to be ignored
        content = said.get("content")
        if content:
            raise Unusable(f"parameter {name} is serialised by a media type")
        key = name if names.count(name) == 1 else f"{place}_{name}"
        schema = schemas.read(said.get("schema", {}))
        if isinstance(said.get("description"), str) and isinstance(schema, dict) and "$ref" not in schema:
            schema.setdefault("description", said["description"][:_LONGEST])
        properties[key] = schema
        style = said.get("style") or ("form" if place == "query" else "simple")
        if style not in _STYLES[place]:
            raise Unusable(f"parameter {name} has the style {style}")
        explode = said.get("explode", style == "form")
        yield Parameter(name, place, key, bool(said.get("required")) or place == "path", bool(explode), style)


def _body(
    document: Mapping[str, Any], written: Any, schemas: Schemas, properties: dict[str, Any]
) -> tuple[str, str, bool]:
    """The argument that is the body, its media type, and whether it must be there."""
    if written is None:
        return "", "", False
    said = resolved(written, document)
    content = said.get("content") or {}
    required = bool(said.get("required"))
    for media, each in content.items():
        plain = media.partition(";")[0].strip().lower()
        if plain in (JSON, FORM, TEXT) or plain.endswith("+json"):
            key = "body" if "body" not in properties else "request_body"
            properties[key] = schemas.read((each or {}).get("schema", {}))
            return key, plain, required
    if required:
        raise Unusable(f"its body is {', '.join(content) or 'of no media type'}")
    return "", "", False


def _name(wanted: str, taken: set[str]) -> str:
    base = _NOT_NAME.sub("_", wanted).strip("_")[:120] or "operation"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    taken.add(name)
    return name


def bad_argument(name: str, why: str) -> Refusal:
    """An argument that cannot be sent."""
    return Refusal("rpc_invalid_params", f"The argument '{name[:64]}' {why}.")
