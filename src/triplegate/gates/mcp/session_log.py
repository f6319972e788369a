"""Who has sessions here: what this worker saw of them, to be shown; nothing is decided by it."""

import hashlib
from collections import OrderedDict

import msgspec

from triplegate.core.identity import Principal
from triplegate.gates.mcp.session_ages import SessionAges

MOST = 1_000
"""Sessions that are remembered; the one unused longest goes."""
_LONGEST = 64


class _Client(msgspec.Struct):
    name: str = ""
    version: str = ""


_client = msgspec.json.Decoder(_Client).decode


class SessionEntry:
    """One session of a client. Times in Unix seconds."""

    __slots__ = ("client", "consumer", "name", "opened", "org", "team", "used", "uses", "version", "virtual")

    def __init__(self, identity: str, principal: Principal, virtual: str, version: str, client: bytes) -> None:
        self.name = session_name(identity)
        self.org, self.team, self.consumer = principal.org, principal.team, principal.consumer
        self.virtual, self.version, self.client = virtual, version, _named(client)
        self.opened = self.used = 0.0
        """When this worker first and last heard of it."""
        self.uses = 0


class SessionLog:
    """The sessions of one worker; outlives swaps."""

    __slots__ = ("_kept", "ages")

    def __init__(self) -> None:
        self._kept: OrderedDict[str, SessionEntry] = OrderedDict()
        self.ages = SessionAges()
        """How long they last."""

    def note(self, identity: str, principal: Principal, virtual: str, version: str, client: bytes, now: float) -> None:
        """It is used at Unix time `now`."""
        entry = self._kept.get(identity)
        if entry is None:
            entry = self._kept[identity] = SessionEntry(identity, principal, virtual, version, client)
            entry.opened = now
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(identity)
        entry.used = now
        entry.uses += 1
        self.ages.use(identity, now)

    def end(self, identity: str, now: float, error: str = "") -> None:
        """It has ended, here or on another node."""
        self._kept.pop(identity, None)
        self.ages.end(identity, now, error)

    def living(self, since: float) -> list[SessionEntry]:
        """Those that were used since, the last used first."""
        return [entry for entry in reversed(self._kept.values()) if entry.used >= since]


def session_name(identity: str) -> str:
    """A session as it is shown: whoever reads pages and spans cannot use it."""
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _named(client: bytes) -> str:
    try:
        said = _client(client)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return f"{said.name} {said.version}".strip()[:_LONGEST]
