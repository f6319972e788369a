"""What a running gateway does from time to time for the configuration in force."""

from triplegate.core.ports import Kit
from triplegate.gates.api.gate import ApiGate
from triplegate.gateway import Snapshot
from triplegate.upstreams.health import checks
from triplegate.upstreams.upkeep import Chore


def chores(snapshot: Snapshot, kit: Kit) -> list[Chore]:
    """Health checks of the services' endpoints."""
    gate = snapshot.gates["api"]
    assert isinstance(gate, ApiGate)
    return [chore for service in gate.services.values() for chore in checks(service.group, kit.clock)]
