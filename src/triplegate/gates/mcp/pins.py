"""Only what has a definition that an admin approved is offered: new and changed ones wait, out of everybody's sight."""

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial

import msgspec

from triplegate.config.documents import Documents
from triplegate.config.documents_pins import PinsDocument
from triplegate.core.pins import Pin, Pins, Standing, kind_of, label_of
from triplegate.core.ports import Kit
from triplegate.gates.mcp.call import OwnItem
from triplegate.gates.mcp.kinds import Kind
from triplegate.gates.mcp.server import Changes, Server
from triplegate.wire.hidden import looks
from triplegate.wire.json_members import encode
from triplegate.wire.mcp_definition import Pinned, pinned
from triplegate.wire.mcp_findings import cleaned, findings, likeness

_AT_ONCE = 1 << 16
"""Bytes of definitions that are looked at on the loop; more are looked at in a thread."""

Known = Mapping[str, tuple[str, str, str]]


class Looked(msgspec.Struct, frozen=True):
    """A definition as its server has it now."""

    item: OwnItem
    """As it came."""
    pinned: Pinned
    offered: OwnItem
    """What clients get of it: without what people do not see."""


class PinBook:
    """What the servers have now; outlives swaps."""

    __slots__ = ("kinds", "looked", "pins")

    def __init__(self, pins: Pins | None, changes: Changes) -> None:
        self.pins = pins
        """None where nothing durable is at hand: nothing is approved then."""
        self.looked: dict[tuple[str, Kind], dict[str, Looked]] = {}
        """Server and kind → name → its definition."""
        self.kinds: dict[Kind, None] = {}
        """What is pinned of any server."""

        def news() -> None:
            for kind in self.kinds:
                changes.note(kind)

        if pins is not None:
            pins.on_news.append(news)

    def current(self) -> set[tuple[str, str, str]]:
        """Server, label and fingerprint of what is there now."""
        return {
            (server, label_of(kind, name), looked.pinned.fingerprint)
            for (server, kind), items in self.looked.items()
            for name, looked in items.items()
        }

    def find(self, server: str, kind: Kind, looked: Looked) -> Pin | None:
        """What was decided on this definition; None for one that was never noted."""
        if self.pins is None:
            return None
        return self.pins.find(server, label_of(kind, looked.item.name), looked.pinned.fingerprint)

    def others(self, server: str) -> tuple[dict[str, str], Known]:
        """Tools that one of `server` could point at or imitate: by name, and by looks and shape."""
        names: dict[str, str] = {}
        known: dict[str, tuple[str, str, str]] = {}
        for one, tool, shape in self._tools():
            called = (one, tool, f"{tool} of {one}")
            if shape:
                known.setdefault(f"shape:{shape}", called)
            if one != server:
                names[tool] = called[2]
                known.setdefault(f"looks:{looks(tool)}", called)
        return names, known

    def _tools(self) -> Iterable[tuple[str, str, str]]:
        for pin in self.pins.all() if self.pins is not None else ():
            if pin.standing != "rejected" and kind_of(pin.tool) == "tool":
                yield pin.server, pin.tool.removeprefix("tool:"), pin.shape
        for (server, kind), tools in self.looked.items():
            for looked in tools.values() if kind == "tool" else ():
                yield server, looked.item.name, looked.pinned.shape


class ServerPins:
    """The pins of one server, as one snapshot has them written."""

    __slots__ = ("_book", "_enforced", "_server", "_trust", "kinds")

    def __init__(self, server: str, document: PinsDocument, book: PinBook) -> None:
        self._server, self._book = server, book
        self._enforced, self._trust = document.mode == "enforce", document.first == "trust"
        self.kinds: tuple[Kind, ...] = document.kinds
        """What of the server is pinned."""
        book.kinds.update(dict.fromkeys(self.kinds))

    def has_looked(self, kind: Kind) -> bool:
        """Whether the server's list was seen since pins are on."""
        return (self._server, kind) in self._book.looked

    async def look(self, kind: Kind, items: tuple[OwnItem, ...]) -> tuple[OwnItem, ...]:
        """Note the definitions of a list that are new; the items as clients may get them."""
        before = self._book.looked.get((self._server, kind), {})
        fresh = [item for item in items if (old := before.get(item.name)) is None or old.item != item]
        many = sum([len(item.definition) for item in fresh]) > _AT_ONCE
        read = await asyncio.to_thread(_read, kind, fresh) if many else _read(kind, fresh)
        looked = {item.name: read.get(item.name) or before[item.name] for item in items}
        await self._note(kind, list(looked.values()), in_thread=many)
        self._book.looked[self._server, kind] = looked
        return tuple([one.offered for one in looked.values()]) if self._enforced else items

    async def _note(self, kind: Kind, looked: list[Looked], *, in_thread: bool) -> None:
        unknown = [one for one in looked if self._book.find(self._server, kind, one) is None]
        if not unknown or self._book.pins is None:
            return
        names, known = self._book.others(self._server)
        arguments = (self._server, kind, unknown, names, known)
        pins = await asyncio.to_thread(_judge, *arguments) if in_thread else _judge(*arguments)
        await self._book.pins.note(pins, trust=self._trust)

    def permits(self, kind: Kind, item: OwnItem) -> bool:
        """Whether this definition may be offered and called."""
        return not self._enforced or self.approved(kind, item)

    def permits_unlisted(self, uri: str, *, template: bool) -> bool:
        """Whether a resource that clients are not shown may be read; `template`: one that they are shown leads there.

        It may not where it is listed, and waits; nor while nobody knows what is listed.
        """
        if not self._enforced or "resource" not in self.kinds:
            return True
        listed = self._book.looked.get((self._server, "resource"))
        return template and listed is not None and uri not in listed

    def approved(self, kind: Kind, item: OwnItem) -> bool:
        """Whether an admin approved it, to the letter; what is not pinned needs no approval."""
        return kind not in self.kinds or self.standing(kind, item) == "approved"

    def standing(self, kind: Kind, item: OwnItem) -> Standing:
        """What was decided on this very definition."""
        looked = self._book.looked.get((self._server, kind), {}).get(item.name)
        if looked is None or item not in (looked.offered, looked.item):
            return "new"
        pin = self._book.find(self._server, kind, looked)
        return "new" if pin is None else pin.standing


def pin(servers: Mapping[str, Server], documents: Documents, kit: Kit) -> None:
    """Give each server the pins that are written for it; where they are off it has none.

    Where no server is asked (explain), all is taken for approved.
    """
    if kit.offline:
        return
    for name, server in servers.items():
        written = documents.servers[name].pins or documents.mcp.pins
        if written.mode == "off":
            continue
        changes = kit.state(Changes, "mcp", Changes)
        server.pins = ServerPins(name, written, kit.state(PinBook, "mcp", partial(PinBook, kit.pins, changes)))
        for kind in server.pins.kinds:
            if not server.pins.has_looked(kind):
                server.state.listings[kind].outdate()  # what was fetched without pins is fetched anew


def _read(kind: Kind, items: list[OwnItem]) -> dict[str, Looked]:
    return {item.name: _look(kind, item) for item in items}


def _look(kind: Kind, item: OwnItem) -> Looked:
    clean = cleaned(item.definition)
    offered = item if clean is item.definition else msgspec.structs.replace(item, definition=clean)
    return Looked(item, pinned(item.definition, kind), offered)


def _judge(
    server: str, kind: Kind, looked: list[Looked], names: Mapping[str, str], known: Known
) -> list[tuple[Pin, str]]:
    found = []
    for one in looked:
        name, facts = one.item.name, one.pinned
        suspicions = [*findings(one.item.definition, names)]
        if kind == "tool":
            suspicions += likeness(name, facts.shape, known)
        told = encode(suspicions).decode()
        found.append((Pin(server, label_of(kind, name), facts.fingerprint, facts.shape, told), facts.text))
    return found
