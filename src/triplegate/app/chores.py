"""What a running gateway does from time to time for the configuration in force."""

from triplegate.core.ports import Kit
from triplegate.gates.api.gate import ApiGate
from triplegate.gateway import Snapshot
from triplegate.upstreams.health import checks
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.upkeep import Chore

_LOOK_UP = 25.0
"""Seconds; with its tenth more it is below the 30 that a name is believed."""


def chores(snapshot: Snapshot, kit: Kit) -> list[Chore]:
    """Health checks of the services' endpoints; asking again for the names of upstreams that are in use."""
    gate = snapshot.gates["api"]
    assert isinstance(gate, ApiGate)
    found = [chore for service in gate.services.values() for chore in checks(service.group, kit.clock)]
    pools = [pool for pool in kit.states.every(Pool) if pool.named]
    found += [Chore(f"name {pool.origin.key}", _LOOK_UP, pool.look_up) for pool in pools]
    return found
