"""A worker as part of its node: what it shows and changes is what all workers have."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from triplegate.control.sight import Sight
from triplegate.control.telemetry.collect import Telemetry
from triplegate.control.telemetry.tail import Tail
from triplegate.control.view import Degraded, KeyStore, Reloaded
from triplegate.core.identity import KeyRecord
from triplegate.core.meters import Family


class Crew:
    """A worker that is alone: it leads, and nobody follows."""

    leads = True

    def tail(self) -> Tail:
        """Where finished calls are shown."""
        return Tail()

    async def open(self, state: Path) -> None:
        """Become reachable for the other workers; `state` is the state directory. Raises OSError."""

    async def run(self, told: Callable[[], Sequence[Family]], degraded: Callable[[], Sequence[Degraded]]) -> None:
        """Tell the leader, for ever, what `told` and `degraded` say."""

    def families(self, own: list[Family]) -> list[Family]:
        """The meters of the whole node."""
        return own

    def degraded(self) -> list[Degraded]:
        """What the other workers lack."""
        return []

    async def order(self, what: str, within: float = 2.0) -> bool:
        """Have the other workers renew something, waiting for at most `within` seconds; whether all have."""
        return True

    def close(self) -> None:
        """Tell and take no more."""


class NodeTelemetry(Telemetry):
    """Telemetry of a worker; the leader's shows the sum of the node."""

    crew: Crew

    def read(self) -> list[Family]:
        """The meters, up to the last closed exchange here and the last report of the others."""
        return self.crew.families(super().read())


class NodeSight(Sight):
    """The house as the control plane shows it: with what the other workers say."""

    crew: Crew
    telemetry: Telemetry

    def active(self) -> Mapping[str, int]:
        """Gate → exchanges under way in all workers."""
        families = {family.name: family for family in self.telemetry.read()}
        return {str(labels[0]): int(cells[0]) for labels, cells in families["http.server.active_requests"].points}

    def degraded(self) -> Sequence[Degraded]:
        """What works less well than promised, in any worker."""
        own = super().degraded()
        seen = {one.part for one in own}
        return [*own, *(one for one in self.crew.degraded() if one.part not in seen)]

    async def reload(self) -> Reloaded:
        """Read the configuration anew, here and in every other worker."""
        done = await super().reload()
        await self.crew.order("reload", 5.0)
        return done


class NodeKeys:
    """The keys, so that a change is in force in every worker when the answer is out."""

    def __init__(self, keys: KeyStore, crew: Crew) -> None:
        self._keys, self._crew = keys, crew
        self.list = keys.list

    async def create(self, record: KeyRecord) -> None:
        """Keep a new key."""
        await self._keys.create(record)
        await self._crew.order("keys")

    async def revoke(self, key_id: str, at: float) -> bool:
        """Revoke at Unix time `at`."""
        done = await self._keys.revoke(key_id, at)
        await self._crew.order("keys")
        return done
