"""A tool's arguments as the HTTP request of its operation: OpenAPI 3's styles, and nothing that changes the path."""

from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.wire.json_members import Members, read_members
from triplegate.wire.openapi import Operation
from triplegate.wire.openapi_bodies import BYTES, FILES, FORM, TEXT, Body
from triplegate.wire.openapi_forms import multipart, read_file, too_large, urlencoded
from triplegate.wire.openapi_parameters import Parameter
from triplegate.wire.openapi_styles import bad_argument, cookies, escaped, pairs, path_part, simple, text_of

LARGEST = 10 * 1024 * 1024
"""Bytes of a body, where nothing else is said."""
_VALUE = frozenset(b"\t") | frozenset(range(0x20, 0x7F)) | frozenset(range(0x80, 0x100))


class Asked(msgspec.Struct, frozen=True):
    """The request."""

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes


class _Parts:
    """The request on its way."""

    __slots__ = ("cookies", "headers", "path", "query")

    def __init__(self, path: str) -> None:
        self.path = path
        self.query: list[str] = []
        self.headers: Headers = []
        self.cookies: list[str] = []

    def take(self, parameter: Parameter, value: Any) -> None:
        """Put a value where it belongs. Raises Refusal."""
        name, key, style = parameter.name, parameter.key, parameter.style
        if parameter.place == "path":
            self.path = self.path.replace("{" + name + "}", path_part(style, name, key, value))
        elif parameter.place == "query":
            self.query += [f"{one}={text}" for one, text in pairs(style, name, key, value, escaped)]
        elif parameter.place == "cookie":
            self.cookies += cookies(style, name, key, value)
        else:
            self.headers.append((name.lower().encode("ascii"), _header(parameter, value)))


def request_of(operation: Operation, arguments: bytes, largest: int = LARGEST) -> Asked:
    """The request; a JSON body's bytes are the argument's own.

    Raises Refusal rpc_invalid_params for arguments that are missing, unknown, too large, or cannot stand where they
    belong.
    """
    try:
        given = read_members(arguments or b"{}")
    except Refusal as refusal:
        raise Refusal("rpc_invalid_params", "The arguments are no JSON object.") from refusal
    body = operation.body
    known = {parameter.key for parameter in operation.parameters} | ({body.key} if body is not None else set())
    for name in given:
        if name not in known:
            raise bad_argument(name, "is not known")
    parts = _Parts(operation.path)
    for parameter in operation.parameters:
        value = _value(parameter, given)
        if value is not None:
            parts.take(parameter, value)
    content = b"" if body is None else _body(body, given, parts.headers, largest)
    if parts.cookies:
        parts.headers.append((b"cookie", "; ".join(parts.cookies).encode("ascii")))
    return Asked(operation.method, parts.path, "&".join(parts.query).encode("ascii"), parts.headers, content)


def _value(parameter: Parameter, given: Members) -> Any:
    raw = given.get(parameter.key)
    value = None if raw is None else msgspec.json.decode(raw)
    if value is None and parameter.required:
        raise bad_argument(parameter.key, "is missing")
    return value


def _header(parameter: Parameter, value: Any) -> bytes:
    style = parameter.style
    said = msgspec.json.encode(value).decode() if style.json else simple(value, parameter.key, explode=style.explode)
    text = said.encode("utf-8")
    if not _VALUE.issuperset(text):
        raise bad_argument(parameter.key, "cannot stand in a header")
    return text


def _body(body: Body, given: Members, headers: Headers, largest: int) -> bytes:
    raw = given.get(body.key)
    if raw is None:
        if body.required:
            raise bad_argument(body.key, "is missing")
        return b""
    media, content = _written(body, raw, largest)
    if len(content) > largest:
        raise too_large(body.key, largest)
    headers.append((b"content-type", media.encode("ascii")))
    return content


def _written(body: Body, raw: msgspec.Raw, largest: int) -> tuple[str, bytes]:
    """The body's type and bytes."""
    if body.media not in (FORM, FILES, TEXT, BYTES):
        return body.media, bytes(raw)
    value = msgspec.json.decode(raw)
    if body.media == TEXT:
        return TEXT, text_of(value).encode()
    if body.media == BYTES:
        kind, content = read_file(value, body.key, largest)
        return kind or BYTES, content
    if not isinstance(value, dict):
        raise bad_argument(body.key, "is no object")
    return multipart(body, value, largest) if body.media == FILES else (FORM, urlencoded(body, value))
