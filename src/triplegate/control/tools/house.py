"""Servers, tools and pins as the control plane shows them, and what may be decided about them."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Literal, Protocol

import msgspec

from triplegate.core.pins import Pin, Standing
from triplegate.wire.hidden import visible
from triplegate.wire.mcp_definition import Change
from triplegate.wire.mcp_findings import Finding

_findings = msgspec.json.Decoder(list[Finding]).decode


class PinView(msgspec.Struct, frozen=True):
    """A definition of a tool and what was decided on it."""

    server: str
    tool: str
    """Its name at the server; of others their kind and name: `prompt:…`, `resource:…`, `template:…`."""
    shown: str
    """The same with hidden characters written out."""
    fingerprint: str
    """SHA-256 of the canonical JSON of name, title, description, schemas and annotations."""
    standing: Standing
    current: bool
    """Whether the server has it now."""
    change: Literal["new", "changed"]
    """changed: another definition of this tool was approved before."""
    findings: list[Finding]
    first_seen: datetime
    actor: str = ""
    decided: datetime | None = None


class Comparison(msgspec.Struct, frozen=True):
    """What a definition has that the one approved before it had not, and the other way round."""

    pin: PinView
    before: str
    """Fingerprint of the definition that it is compared with; empty: there is none, all of it is new."""
    changes: list[Change]


class ServerView(msgspec.Struct, frozen=True):
    """An MCP server and what it offers, as this worker knows it."""

    name: str
    alias: str
    place: str
    """Where it is; never with credentials."""
    era: str
    """What it speaks: modern (2026-07-28) or legacy; empty until it was asked."""
    state: str
    """up, failing (it does not list what it has), down, open, half-open or unknown (it was not asked yet)."""
    reason: str
    since: float
    """Unix seconds; 0 where nobody noted it."""
    error: str
    """What went wrong there last, whatever has become of it since; empty when nothing has."""
    error_at: float
    tools: int
    prompts: int
    resources: int
    pins: str
    """The mode of its pins."""
    sessions: int
    """Sessions of this worker there."""


class ToolView(msgspec.Struct, frozen=True):
    """A tool of a server, whoever may use it. Hidden characters are written out."""

    server: str
    name: str
    shown: str
    description: str
    """The beginning of what it says of itself."""
    hints: tuple[str, ...]
    standing: Standing | Literal["off"]
    """What was decided on its present definition; off: its server has no pins."""
    approval: str
    """Who has to approve its calls; empty: nobody."""


class CallView(msgspec.Struct, frozen=True):
    """A call of the mcp gate under way in this worker."""

    id: str
    method: str
    tool: str
    org: str
    team: str
    consumer: str
    seconds: float


class SessionView(msgspec.Struct, frozen=True):
    """A session of a client, as this worker knows it."""

    name: str
    """Tells it from others; nobody can use it."""
    org: str
    team: str
    consumer: str
    client: str
    version: str
    path: str
    opened: float
    """Unix seconds when this worker first heard of it."""
    used: float
    uses: int


class ToolHouse(Protocol):
    """Shows servers, tools and definitions, and takes decisions on these."""

    def servers(self) -> list[ServerView]:
        """The servers in the order of their names."""
        ...

    def tools(self) -> list[ToolView]:
        """What they listed last."""
        ...

    def under_way(self) -> list[CallView]:
        """Calls under way in this worker, the oldest first."""
        ...

    def sessions(self) -> list[SessionView]:
        """Sessions that this worker knows, the last used first."""
        ...

    async def pins(self) -> list[PinView]:
        """All that were seen: those that wait first, then by server and tool, the newest first.

        Servers whose list is not fresh are asked for it, for a moment.
        """
        ...

    async def compared(self, server: str, tool: str, fingerprint: str) -> Comparison:
        """One beside the one approved before it. Raises LookupError, DatabaseUnavailable."""
        ...

    async def decide(self, server: str, tool: str, fingerprint: str, standing: Standing, actor: str) -> PinView:
        """Approve, reject, or let it wait again: noted first, in force in this node when the answer is out.

        Raises LookupError, DatabaseUnavailable.
        """
        ...


class NoTools:
    """A house without servers."""

    def servers(self) -> list[ServerView]:
        """None."""
        return []

    def tools(self) -> list[ToolView]:
        """None."""
        return []

    def under_way(self) -> list[CallView]:
        """None."""
        return []

    def sessions(self) -> list[SessionView]:
        """None."""
        return []

    async def pins(self) -> list[PinView]:
        """None."""
        return []

    async def compared(self, server: str, tool: str, fingerprint: str) -> Comparison:
        """There is none."""
        raise LookupError(tool)

    async def decide(self, server: str, tool: str, fingerprint: str, standing: Standing, actor: str) -> PinView:
        """There is none."""
        raise LookupError(tool)


def pin_views(pins: Iterable[Pin], current: Collection[tuple[str, str, str]]) -> list[PinView]:
    """As they are shown; `current`: server, tool and fingerprint of what servers have now."""
    by_tool: dict[tuple[str, str], list[Pin]] = {}
    for pin in pins:
        by_tool.setdefault((pin.server, pin.tool), []).append(pin)
    found = [
        _view(pin, siblings, is_current=(pin.server, pin.tool, pin.fingerprint) in current)
        for siblings in by_tool.values()
        for pin in siblings
    ]
    return sorted(found, key=_order)


def before(pin: Pin, siblings: Iterable[Pin]) -> Pin | None:
    """Of all definitions of its tool, the one that was approved last before it was, or is now."""
    approved = [
        one
        for one in siblings
        if one.standing == "approved"
        and one.fingerprint != pin.fingerprint
        and (pin.standing != "approved" or one.decided < pin.decided)
    ]
    return max(approved, key=_decided, default=None)


def _view(pin: Pin, siblings: Iterable[Pin], *, is_current: bool) -> PinView:
    return PinView(
        pin.server,
        pin.tool,
        visible(pin.tool),
        pin.fingerprint,
        pin.standing,
        is_current,
        "new" if before(pin, siblings) is None else "changed",
        _findings(pin.findings),
        datetime.fromtimestamp(pin.first_seen, UTC),
        pin.actor,
        datetime.fromtimestamp(pin.decided, UTC) if pin.decided else None,
    )


def _decided(pin: Pin) -> float:
    return pin.decided


def _order(one: PinView) -> tuple[bool, bool, str, str, float]:
    waits = one.standing == "new"
    return not (waits and one.current), not waits, one.server, one.tool, -one.first_seen.timestamp()
