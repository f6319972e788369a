"""Who listens on this node: one ear for each open stream of a client, told what has changed and what is said to it."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from triplegate.gates.mcp.asides import Asides
    from triplegate.gates.mcp.views import View

Lists = Literal["tools", "prompts", "resources"]
ALL: tuple[Lists, ...] = ("tools", "prompts", "resources")
Watched = tuple[str, str]
"""Name of a server, and the URI that it knows a resource by."""

_MOST_SAID = 256  # messages that wait for a slow client; the oldest go


class Ear:
    """What one client hears. Changes are told once, however often they happen before they are heard."""

    __slots__ = (
        "_changed",
        "_said",
        "_waiting",
        "asides",
        "coming",
        "ended",
        "lists",
        "servers",
        "session",
        "stale",
        "uris",
        "view",
    )

    def __init__(self, view: "View", lists: Iterable[Lists], session: str = "") -> None:
        self.view = view
        self.lists = frozenset(lists)
        self.session = session
        """Id of the client's session; empty for a client of 2026-07-28."""
        self.servers = frozenset([server.name for server in view.servers])
        self.uris: dict[Watched, str] = {}
        """Resources whose changes it hears of → the URI that it knows."""
        self.ended = False
        """True once it hears no more: the stream ends."""
        self.stale = False
        """True while it must look anew what it may see."""
        self.coming: View | None = None
        """What it may see from now on, where that has changed."""
        self.asides: Asides | None = None
        """What servers say to it alone."""
        self._changed: dict[tuple[str, str], None] = {}
        self._said: deque[bytes] = deque(maxlen=_MOST_SAID)
        self._waiting: asyncio.Future[None] | None = None

    def changed(self, lists: str) -> None:
        """A list of its servers is another one."""
        if lists in self.lists:
            self._changed[lists, ""] = None
            self.wake()

    def updated(self, server: str, uri: str) -> None:
        """A resource is another one; `uri` as its server says it."""
        known = self.uris.get((server, uri)) or self._above(server, uri)
        if known is not None:
            self._changed["updated", known] = None
            self.wake()

    def _above(self, server: str, uri: str) -> str | None:
        """A part of a resource that it hears of, as the client would say it."""
        for (name, above), known in self.uris.items():
            if name == server and uri.startswith(above if above.endswith("/") else above + "/"):
                return known + uri[len(above) :]
        return None

    def say(self, message: bytes) -> None:
        """One message for it alone, raw."""
        self._said.append(message)
        self.wake()

    def watch(self, uris: Mapping[Watched, str]) -> None:
        """From now on it hears of these resources."""
        self.uris = dict(uris)

    def turn(self, view: "View") -> None:
        """It shall see other things from now on."""
        if view is not self.view:
            self.coming, self.stale = view, True
            self.wake()

    def end(self) -> None:
        """It hears what was said, and no more."""
        self.ended = True
        self.wake()

    def renew(self, view: "View") -> None:
        """It sees other things from now on: everything may have changed."""
        self.view = view
        self.servers = frozenset([server.name for server in view.servers])
        for lists in ALL:
            self.changed(lists)

    def take(self) -> tuple[list[tuple[str, str]], list[bytes]]:
        """What it has not heard yet: changes (kind of list, "") or ("updated", URI), and messages."""
        changed, said = list(self._changed), list(self._said)
        self._changed.clear()
        self._said.clear()
        return changed, said

    @property
    def ready(self) -> bool:
        """Whether there is anything to hear."""
        return bool(self._changed or self._said or self.ended or self.stale)

    async def wait(self, seconds: float) -> None:
        """Until there is something, at most so long."""
        if self.ready:
            return
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._waiting
        except TimeoutError:
            return
        finally:
            self._waiting = None

    def wake(self) -> None:
        """There is something to look at."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
