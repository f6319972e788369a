"""Tools of type `mcp` in a Responses call: which servers, which of their tools, and which calls need a yes first."""

import json
import re
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import encode, read_members, set_members
from triplegate.wire.neutral import Raw
from triplegate.wire.openai_chat import wrong

KIND = "mcp"
_SECRET = ("headers", "authorization")
"""What a client says for a server alone: never told again, and never sent."""
_NOT_FUNCTION = re.compile(r"[^A-Za-z0-9_-]+")
LONGEST = 64
"""Characters of a function's name, and of a call's id, that providers take."""


class Chosen(msgspec.Struct, frozen=True):
    """Some tools of a server."""

    tool_names: list[str] | None = None
    read_only: bool | None = None

    def fits(self, names: tuple[str, ...], *, read_only: bool) -> bool:
        """Whether a tool by one of these names is among them; nothing said chooses nothing."""
        if self.tool_names is None and self.read_only is None:
            return False
        named = self.tool_names is None or any(name in self.tool_names for name in names)
        return named and self.read_only in (None, read_only)


class Approval(msgspec.Struct, frozen=True):
    """Which tools need a yes before each call."""

    always: Chosen | None = None
    never: Chosen | None = None

    def needs(self, names: tuple[str, ...], *, read_only: bool) -> bool:
        """Whether a tool does; what is not said of is asked for, unless only `always` is said."""
        if self.always is not None and self.always.fits(names, read_only=read_only):
            return True
        if self.never is None:
            return self.always is None
        return not self.never.fits(names, read_only=read_only)


class Wanted(msgspec.Struct, frozen=True):
    """One entry of the call's tools: a server and what of it may be used."""

    server_label: str
    server_url: str | None = None
    connector_id: str | None = None
    tunnel_id: str | None = None
    server_description: str | None = None
    allowed_tools: list[str] | Chosen | None = None
    require_approval: str | Approval | None = None

    def allows(self, names: tuple[str, ...], *, read_only: bool) -> bool:
        """Whether a tool may be used."""
        allowed = self.allowed_tools
        if isinstance(allowed, list):
            return any(name in allowed for name in names)
        return allowed is None or allowed.fits(names, read_only=read_only)

    def needs_yes(self, names: tuple[str, ...], *, read_only: bool) -> bool:
        """Whether each call of a tool needs one; as the API's own default, all of them do."""
        said = self.require_approval
        return said.needs(names, read_only=read_only) if isinstance(said, Approval) else said != "never"


class _Kind(msgspec.Struct, gc=False):
    type: str = "function"
    name: str = ""


_raws = msgspec.json.Decoder(list[Raw]).decode
_kind = msgspec.json.Decoder(_Kind).decode
_wanted = msgspec.json.Decoder(Wanted).decode


class Tools(msgspec.Struct, frozen=True, eq=False):
    """The tools of a call, by their places."""

    raws: list[Raw]
    wanted: dict[int, Wanted]
    """Those of type `mcp`."""
    functions: frozenset[str]
    """Names of the client's own."""

    def told(self) -> list[Raw]:
        """As they are told again: without what is secret."""
        return [_without_secrets(raw) if place in self.wanted else raw for place, raw in enumerate(self.raws)]


def may_want(raw: Raw | None) -> bool:
    """Whether the member `tools` may hold one of type `mcp`; a name can be written in escapes."""
    if raw is None:
        return False
    text = bytes(raw)
    return b'"mcp"' in text or b"\\u00" in text


def names_servers(text: bytes) -> bool:
    """Whether an object of type `mcp` stands anywhere in this JSON, however deep, and if it says its type twice.

    What cannot be read may have one.
    """
    if not may_want(Raw(text)):
        return False
    found: list[bool] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        if ("type", KIND) in pairs:
            found.append(True)

    try:
        json.loads(str(text, "utf-8"), object_pairs_hook=look)
    except (ValueError, RecursionError):
        return True
    return bool(found)


def servers_refused(where: str, parameter: str = "tools", **more: object) -> Refusal:
    """What is said of MCP servers that a client names where the gateway can neither serve nor see their calls."""
    return Refusal(
        "mcp_server_unknown",
        f"MCP servers are not passed on {where}: their tools would be called past the gateway. Servers of the gateway"
        " are had as tools of a call to /responses.",
        payload={"param": parameter, **more},
    )


def read_tools(raw: Raw | None) -> Tools:
    """The tools. Raises Refusal invalid_body."""
    try:
        raws = [] if raw is None or bytes(raw) == b"null" else _raws(raw)
        kinds = [_kind(one) for one in raws]
        wanted = {place: _wanted(raws[place]) for place, kind in enumerate(kinds) if kind.type == KIND}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong("tools", f"cannot be read: {error}") from error
    labels = [one.server_label for one in wanted.values()]
    for one in wanted.values():
        if not one.server_label or labels.count(one.server_label) > 1:
            raise wrong("tools", "must have a server_label of its own for each mcp server")
        if isinstance(one.require_approval, str) and one.require_approval not in ("always", "never"):
            raise wrong("tools", "must have require_approval always, never or an object of both")
    return Tools(raws, wanted, frozenset([kind.name for kind in kinds if kind.name]))


def _without_secrets(raw: Raw) -> Raw:
    text = bytes(raw)
    members = read_members(text)
    changes = {name: b"null" for name in _SECRET if name in members}
    return Raw(set_members(text, members, changes)) if changes else raw


class Tool(msgspec.Struct, frozen=True, eq=False):
    """A tool that the model may call."""

    label: str
    """Of the server, as the client calls it."""
    name: str
    """At the mcp gate."""
    path: str
    """Of the mcp gate's endpoint that has it."""
    function: str
    """What the model knows it by."""
    description: str
    schema: Raw
    annotations: Raw
    yes: bool
    """Each call of it needs one."""

    def listed(self) -> dict[str, Any]:
        """As an item of `mcp_list_tools` has it."""
        said: dict[str, Any] = {"name": self.name, "description": self.description or None}
        return {**said, "input_schema": self.schema, "annotations": self.annotations}

    def written(self, about: str) -> bytes:
        """As a function for the model; `about`: what the client says of the server."""
        told = "\n\n".join([text for text in (about, self.description) if text])
        said = {"type": "function", "name": self.function, "description": told, "parameters": self.schema}
        return encode({**said, "strict": False})


class _Definition(msgspec.Struct):
    name: str
    description: str | None = None
    inputSchema: Raw = Raw(b"")  # noqa: N815 - MCP's own name
    input_schema: Raw = Raw(b"")
    annotations: Raw = Raw(b"null")


class _Hints(msgspec.Struct, gc=False):
    readOnlyHint: bool = False  # noqa: N815 - MCP's own name


_definition = msgspec.json.Decoder(_Definition).decode
_hints = msgspec.json.Decoder(_Hints).decode


def tool_of(raw: Raw, wanted: Wanted, path: str, own: str, taken: set[str]) -> Tool | None:
    """A definition of MCP, or one that was listed before, as a tool of this call; None: it may not be used.

    `own`: how names of the server begin, which may be left out in a call's lists. Raises ValueError.
    """
    said = _definition(raw)
    names = (said.name, said.name.removeprefix(own)) if own else (said.name,)
    read_only = _read_only(said.annotations)
    if not wanted.allows(names, read_only=read_only):
        return None
    function = _function(said.name, taken)
    schema = said.inputSchema or said.input_schema or Raw(b'{"type":"object"}')
    yes = wanted.needs_yes(names, read_only=read_only)
    told = said.description or ""
    return Tool(wanted.server_label, said.name, path, function, told, schema, said.annotations, yes)


def _read_only(raw: Raw) -> bool:
    try:
        return _hints(raw).readOnlyHint
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _function(name: str, taken: set[str]) -> str:
    """A name that providers take and nobody else has."""
    base = function = _NOT_FUNCTION.sub("_", name)[:LONGEST] or "tool"
    number = 2
    while function in taken:
        end = f"_{number}"
        function, number = base[: LONGEST - len(end)] + end, number + 1
    taken.add(function)
    return function


def choice_of(raw: Raw | None, tools: list[Tool]) -> bytes | None:
    """The client's `tool_choice` for the model, with functions where it names servers. Raises Refusal invalid_body."""
    if raw is None:
        return None
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong("tool_choice", f"cannot be read: {error}") from error
    if not isinstance(said, dict):
        return bytes(raw)
    if said.get("type") == KIND:
        return _one_of(said, tools)
    listed = said.get("tools")
    if said.get("type") != "allowed_tools" or not isinstance(listed, list):
        return bytes(raw)
    allowed: list[Any] = []
    for one in listed:
        mine = isinstance(one, dict) and one.get("type") == KIND
        allowed += [{"type": "function", "name": tool.function} for tool in _named(one, tools)] if mine else [one]
    return encode({**said, "tools": allowed})


def later_choice(choice: bytes) -> bytes:
    """What holds once the first turn has met `choice`: whoever must call something would never end."""
    if choice in (b'"none"', b'"auto"'):
        return choice
    said = msgspec.json.decode(choice)
    limited = isinstance(said, dict) and said.get("type") == "allowed_tools"
    return encode({**said, "mode": "auto"}) if limited else b'"auto"'


def _one_of(said: dict[str, Any], tools: list[Tool]) -> bytes:
    named = _named(said, tools)
    if not named:
        raise wrong("tool_choice", "names no tool of this call")
    if len(named) == 1:
        return encode({"type": "function", "name": named[0].function})
    allowed = [{"type": "function", "name": tool.function} for tool in named]
    return encode({"type": "allowed_tools", "mode": "required", "tools": allowed})


def _named(said: dict[str, Any], tools: list[Tool]) -> list[Tool]:
    label, name = said.get("server_label"), said.get("name")
    return [tool for tool in tools if tool.label == label and name in (None, tool.name)]
