"""What a running gateway does from time to time for the configuration in force."""

import asyncio
from functools import partial

from triplegate.core.ports import Kit
from triplegate.gates.api.gate import ApiGate
from triplegate.gates.mcp.checking import checks as server_checks
from triplegate.gates.mcp.gate import McpGate
from triplegate.gateway import Snapshot
from triplegate.upstreams.health import checks
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.tls import Trust
from triplegate.upstreams.upkeep import Chore

_LOOK_UP = 25.0
"""Seconds; with its tenth more it is below the 30 that a name is believed."""
_FILES = 1.0
"""Seconds between two looks at certificate files."""


def chores(snapshot: Snapshot, kit: Kit) -> list[Chore]:
    """Health checks of endpoints and MCP servers; names and certificate files of upstreams, looked at again."""
    gate = snapshot.gates["api"]
    assert isinstance(gate, ApiGate)
    found = [chore for service in gate.services.values() for chore in checks(service.group, kit.clock, service.asked)]
    tools = snapshot.gates["mcp"]
    if isinstance(tools, McpGate):
        found += server_checks(tools.servers.values(), tools.catalog)
    pools = [pool for pool in kit.states.every(Pool) if pool.named]
    found += [Chore(f"name {pool.origin.key}", _LOOK_UP, pool.look_up) for pool in pools]
    if any(trust.settings.files for trust in kit.states.every(Trust)):
        found.append(Chore("certificates", _FILES, partial(_take_files, kit)))
    return found


async def _take_files(kit: Kit) -> None:
    """New connections use the files as they are now; those made with older ones end when they rest."""
    for trust in kit.states.every(Trust):
        if trust.settings.files:
            await asyncio.to_thread(trust.look)
    for pool in kit.states.every(Pool):
        pool.renew()
