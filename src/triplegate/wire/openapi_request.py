"""A tool's arguments as the HTTP request of its operation: OpenAPI 3's styles, and nothing that changes the path."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.wire.json_members import Members, read_members
from triplegate.wire.openapi import FORM, TEXT, Operation, Parameter, bad_argument

_VALUE = frozenset(b"\t") | frozenset(range(0x20, 0x7F)) | frozenset(range(0x80, 0x100))


class Asked(msgspec.Struct, frozen=True):
    """The request."""

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes


def request_of(operation: Operation, arguments: bytes) -> Asked:
    """The request; a JSON body's bytes are the argument's own.

    Raises Refusal rpc_invalid_params for arguments that are missing, unknown, or cannot stand where they belong.
    """
    try:
        given = read_members(arguments or b"{}")
    except Refusal as refusal:
        raise Refusal("rpc_invalid_params", "The arguments are no JSON object.") from refusal
    known = {parameter.key for parameter in operation.parameters} | {operation.body}
    for name in given:
        if name not in known or not name:
            raise bad_argument(name, "is not known")
    path, query, headers = operation.path, [], list[tuple[bytes, bytes]]()
    for parameter in operation.parameters:
        value = _value(parameter, given)
        if value is None:
            continue
        if parameter.place == "path":
            path = path.replace("{" + parameter.name + "}", _path_part(parameter, value))
        elif parameter.place == "query":
            query += [f"{quote(name, safe='[]')}={text}" for name, text in _query(parameter, value)]
        else:
            headers.append((parameter.name.lower().encode("latin-1", "replace"), _header(parameter, value)))
    body = _body(operation, given, headers)
    return Asked(operation.method, path, "&".join(query).encode("ascii"), headers, body)


def _value(parameter: Parameter, given: Members) -> Any:
    raw = given.get(parameter.key)
    value = None if raw is None else msgspec.json.decode(raw)
    if value is None and parameter.required:
        raise bad_argument(parameter.key, "is missing")
    return value


def _text(value: Any) -> str:
    """A primitive as it stands in a URL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _parts(value: Any, *, explode: bool) -> list[str]:
    """The pieces of a list or an object in the styles `simple` and `form`."""
    if isinstance(value, list):
        return [_text(each) for each in value]
    if isinstance(value, dict):
        if explode:
            return [f"{name}={_text(each)}" for name, each in value.items()]
        return [part for name, each in value.items() for part in (name, _text(each))]
    return [_text(value)]


def _path_part(parameter: Parameter, value: Any) -> str:
    """Never more or less than one element of the path."""
    text = ",".join(_parts(value, explode=parameter.explode))
    if text in ("", ".", "..") or any(
        character in "/\\" or character < " " or character == "\x7f" for character in text
    ):
        raise bad_argument(parameter.key, "cannot stand in a path")
    return quote(text, safe=",=")


def _query(parameter: Parameter, value: Any) -> Iterator[tuple[str, str]]:
    name = parameter.name
    if isinstance(value, dict) and parameter.style == "deepObject":
        for key, each in value.items():
            yield f"{name}[{key}]", quote(_text(each), safe="")
    elif isinstance(value, dict) and parameter.explode:
        for key, each in value.items():
            yield key, quote(_text(each), safe="")
    elif isinstance(value, list) and parameter.explode:
        for each in value:
            yield name, quote(_text(each), safe="")
    else:
        between = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}.get(parameter.style, ",")
        yield name, between.join(quote(part, safe="") for part in _parts(value, explode=parameter.explode))


def _header(parameter: Parameter, value: Any) -> bytes:
    text = ",".join(_parts(value, explode=parameter.explode)).encode("utf-8")
    if not _VALUE.issuperset(text):
        raise bad_argument(parameter.key, "cannot stand in a header")
    return text


def _body(operation: Operation, given: Members, headers: Headers) -> bytes:
    raw = given.get(operation.body) if operation.body else None
    if raw is None:
        if operation.needs_body:
            raise bad_argument(operation.body, "is missing")
        return b""
    headers.append((b"content-type", operation.media.encode("ascii")))
    if operation.media not in (FORM, TEXT):
        return bytes(raw)
    value = msgspec.json.decode(raw)
    if operation.media == TEXT:
        return _text(value).encode()
    if not isinstance(value, dict):
        raise bad_argument(operation.body, "is no object")
    fields = {
        name: [_text(one) for one in each] if isinstance(each, list) else _text(each) for name, each in value.items()
    }
    return urlencode(fields, doseq=True).encode("ascii")
