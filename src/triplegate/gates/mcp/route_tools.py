"""Routes of the api gate as tools: their OpenAPI document says which, and each call runs the route's whole chain."""

import binascii
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from triplegate.config.documents_mcp import ServerDocument
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.ports import Kit
from triplegate.gates.mcp.inside import Answered, InsideTransport
from triplegate.wire.json_members import encode, read_members
from triplegate.wire.openapi import Operation, operations
from triplegate.wire.openapi_bodies import JSON
from triplegate.wire.openapi_request import Asked, request_of
from triplegate.wire.openapi_results import WRAPPED, Form

_LARGEST_DOCUMENT = 64 << 20
_PATH = "/{}%:@!$&'()*+,;=-._~"
_STATUS = "triplegate.dev/status"
_any = msgspec.json.Decoder(msgspec.Raw).decode


class RouteTools(InsideTransport):
    """The operations of one document."""

    __slots__ = ("_before", "_host", "_largest_body", "_most", "_operations")

    def __init__(self, name: str, document: ServerDocument, kit: Kit) -> None:
        written = document.routes
        assert written is not None
        super().__init__(f"routes:{written.openapi}|{written.base}|{written.host}", document.waits, kit)
        self._before, self._host, self._most = written.base, written.host, written.largest
        self._largest_body = written.largest_body
        self._operations: dict[str, Operation] = {}
        faults: list[str] = []
        try:
            described = read_document(Path(kit.base, written.openapi))
            found = operations(described, faults, outputs=written.outputs)
            self._operations = {each.name: each for each in found}
        except (OSError, ValueError) as error:
            self.missing = f"{written.openapi}: {error}"
            kit.faults.append(f"servers {name}: {self.missing}")
        kit.faults.extend(f"servers {name}: {written.openapi}: {fault}" for fault in faults)
        self.offer({each.name: each.definition for each in self._operations.values()})

    async def _call(self, exchange: Exchange, name: str, arguments: bytes) -> bytes:
        operation = self._operations.get(name)
        if operation is None:
            raise Refusal("rpc_invalid_params", "There is no such tool.")
        asked = request_of(operation, arguments, self._largest_body)
        headers = [(b"accept", b"application/json, */*;q=0.5"), *asked.headers]
        path = self._before + quote(asked.path, safe=_PATH)
        asked = Asked(asked.method, path, asked.query, headers, asked.body)
        return result_of(await self.reenter(exchange, asked, self._most, self._host), operation.output)


def read_document(path: Path) -> Any:
    """JSON or YAML. Raises OSError or ValueError."""
    with path.open("rb") as file:
        text = file.read(_LARGEST_DOCUMENT + 1)
    if len(text) > _LARGEST_DOCUMENT:
        raise ValueError("it is too large")
    if text.lstrip()[:1] == b"{":
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise ValueError(f"no JSON: {error}") from error
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise ValueError(f"no YAML: {str(error)[:200]}") from error


def result_of(answered: Answered, output: Form = "unknown") -> bytes:
    """What was answered, as the result of a tool; 4xx and 5xx are its failures, and 3xx where it promises a form."""
    members: dict[str, object] = {"resultType": "complete"}
    failed = answered.status >= 400 or not answered.whole or (output != "unknown" and answered.status >= 300)
    if not answered.whole:
        told = f"The answer is larger than {len(answered.body)} bytes and was cut off."
        members["content"] = [_text(answered.body.decode("utf-8", "ignore")), _text(told)]
    else:
        members["content"] = [_content(answered)]
        if answered.media == JSON or answered.media.endswith("+json"):
            structured = _wrapped(answered.body) if output == "wrapped" and not failed else _object(answered.body)
            if structured is not None:
                members["structuredContent"] = structured
    if failed:
        members["isError"] = True
    members["_meta"] = {_STATUS: answered.status}
    return encode(members)


def _text(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}


def _content(answered: Answered) -> dict[str, object]:
    kind = answered.media.partition("/")[0]
    if kind in ("image", "audio") and answered.body:
        data = binascii.b2a_base64(answered.body, newline=False).decode("ascii")
        return {"type": kind, "data": data, "mimeType": answered.media}
    return _text(answered.body.decode("utf-8", "replace"))


def _object(body: bytes) -> msgspec.Raw | None:
    """The body's own bytes, where they are an object."""
    try:
        read_members(body)
    except Refusal:
        return None
    return msgspec.Raw(body)


def _wrapped(body: bytes) -> object | None:
    """An object around the body's own bytes, where they are JSON."""
    try:
        return {WRAPPED: _any(str(body, "utf-8"))}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
