"""What a call says, for rules: the arguments of a tool or prompt, the URI of a resource."""

from typing import Any

import msgspec

from triplegate.gates.mcp.call import McpCall
from triplegate.wire import jcs

_any = msgspec.json.Decoder().decode


class _Argument(msgspec.Struct):
    name: str
    value: str


class _Filled(msgspec.Struct):
    arguments: dict[str, Any] = {}


class _Completion(msgspec.Struct):
    argument: _Argument
    context: _Filled = msgspec.field(default_factory=_Filled)


def arguments_of(call: McpCall) -> Any:
    """The arguments as plain values; None where they are malformed or say a member twice, of which
    readers believe one or the other.

    Of a resource it is its URI at its server; of a completion what is filled in so far, with the argument in question.
    """
    item = call.item
    assert item is not None
    try:
        if call.method == "completion/complete":
            said = msgspec.convert(
                {name: _plain(value) for name, value in call.params.items() if name in ("argument", "context")},
                _Completion,
            )
            return said.context.arguments | {said.argument.name: said.argument.value}
        if item.kind == "resource":
            return {"uri": item.own.name}
        raw = call.params.get("arguments")
        return {} if raw is None else _plain(raw)
    except (msgspec.MsgspecError, ValueError):
        return None


def _plain(raw: bytes) -> Any:
    jcs.read(bytes(raw))
    return _any(raw)
