"""Answers to MCP requests of our own, and results of tools as a model reads them."""

from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import encode
from triplegate.wire.neutral import Raw

_MISSING_CAPABILITY = -32021
"""The code of calls for which the client must be able to do something that it did not declare."""


class Told(msgspec.Struct, frozen=True):
    """What came of a call."""

    text: str
    """For the model."""
    error: dict[str, Any] | None = None
    """What failed, as a client of the Responses API reads it."""
    asks: bool = False
    """It is not called unless somebody can be asked."""


class Result(msgspec.Struct):
    """The result of a tool."""

    content: list[Raw] = []
    isError: bool = False  # noqa: N815 - MCP's own name
    structuredContent: Raw = Raw(b"")  # noqa: N815 - MCP's own name
    resultType: str = "complete"  # noqa: N815 - MCP's own name


class Failure(msgspec.Struct):
    """A JSON-RPC error."""

    code: int = 0
    message: str = ""


class Response(msgspec.Struct):
    """A JSON-RPC response."""

    result: Raw = Raw(b"")
    error: Failure | None = None


class _Resource(msgspec.Struct, gc=False):
    uri: str = ""
    text: str | None = None


class _Block(msgspec.Struct):
    type: str = ""
    text: str | None = None
    mimeType: str = ""  # noqa: N815 - MCP's own name
    uri: str = ""
    resource: _Resource | None = None


_response = msgspec.json.Decoder(Response).decode
_result = msgspec.json.Decoder(Result).decode
_block = msgspec.json.Decoder(_Block).decode


def read_response(text: bytes) -> Response:
    """The response that `text` is. Raises Refusal upstream_malformed."""
    try:
        return _response(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("upstream_malformed", "The tool's answer cannot be read.", reason=str(error)) from error


def told(response: Response) -> Told:
    """What came of tools/call. Raises Refusal upstream_malformed."""
    failure = response.error
    if failure is not None:
        message = failure.message or "The call failed."
        error = {"type": "mcp_protocol_error", "code": failure.code, "message": message}
        return Told(message, error, asks=failure.code == _MISSING_CAPABILITY)
    try:
        result = _result(response.result)
        text = "\n".join([_text(raw) for raw in result.content])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("upstream_malformed", "The tool's result cannot be read.", reason=str(error)) from error
    if not text and result.structuredContent:
        text = bytes(result.structuredContent).decode("utf-8", "replace")
    if result.resultType != "complete":
        text = "The tool asks for something that cannot be given here."
        return Told(text, {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": text}]})
    if result.isError:
        return Told(text or "The tool failed.", {"type": "mcp_tool_execution_error", "content": result.content})
    return Told(text)


def _text(raw: Raw) -> str:
    """One block: its text, or a note of what else it is."""
    said = _block(raw)
    if said.text is not None:
        return said.text
    if said.resource is not None:
        return said.resource.text if said.resource.text is not None else f"[{said.resource.uri}]"
    if said.type == "resource_link":
        return f"[{said.uri}]"
    return f"[{said.type or 'something'} {said.mimeType}, {len(raw)} bytes]"


class Question(msgspec.Struct):
    """A result that asks something first."""

    inputRequests: dict[str, Raw] = {}  # noqa: N815 - MCP's own name
    requestState: str = ""  # noqa: N815 - MCP's own name


_question = msgspec.json.Decoder(Question).decode


def question(response: Response) -> Question | None:
    """What is asked before the call is made; None where nothing is."""
    try:
        if response.error is not None or _result(response.result).resultType != "input_required":
            return None
        return _question(response.result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def refused(refusal: Refusal) -> Told:
    """What came of a call that the gateway did not carry out."""
    detail = refusal.detail or refusal.rendering.title
    return Told(detail, {"type": "mcp_protocol_error", "code": refusal.rendering.jsonrpc, "message": detail})


def write_request(method: str, params: dict[str, Any]) -> bytes:
    """A JSON-RPC request."""
    return encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
