"""Ask servers from time to time whether they are well: `ping` in a session of our own, or `server/discover`."""

import asyncio
from collections.abc import Iterable, Iterator

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.asking import Told, ask
from triplegate.gates.mcp.catalog import Catalog
from triplegate.gates.mcp.connecting import META, OURS, era_of_server, modern_headers, session_headers, session_of
from triplegate.gates.mcp.server import Server
from triplegate.upstreams.upkeep import Chore

OWNER = "health"
"""Owner of the session that is used for it where a session costs the server little."""
_NO_METHOD = -32601


def checks(servers: Iterable[Server], catalog: Catalog) -> Iterator[Chore]:
    """One chore for each server that wants to be asked."""
    for server in servers:
        if server.health.rules is not None:
            yield _check(server, server.health.rules.interval, catalog)


def _check(server: Server, every: float, catalog: Catalog) -> Chore:
    async def work() -> None:
        if server.health.mark(await ill(server)):
            catalog.refresh(server)

    return Chore(f"health server {server.name}", every, work)


async def ill(server: Server) -> str:
    """What is wrong with a server; empty when nothing is. A stranger has more time: it may have to be started."""
    rules = server.health.rules
    assert rules is not None
    wait = rules.timeout + (server.patience if server.state.era is None else 0.0)
    try:
        async with asyncio.timeout(wait):
            told = await _ask(server, rules.timeout)
    except TimeoutError:
        return f"no answer within {wait:g} s"
    except Refusal as refusal:
        return refusal.reason or refusal.code
    if told.status >= 500:
        return f"status {told.status}"
    return "" if told.env is not None else f"status {told.status}, and no answer to the question"


async def _ask(server: Server, wait: float) -> Told:
    """The answer in the server's era: any at all, be it an error, shows that it is there."""
    if await era_of_server(server) == "modern":
        method = "server/discover"
        told = await ask(server, method, b'{"_meta":%b}' % META, modern_headers(method), wait)
        if told.error == _NO_METHOD or (told.env is None and told.status in (400, 404, 405)):
            server.state.era = None  # it may have become another one: the next question finds out
        return told
    owner = OURS if server.owned else OWNER  # where each owner has a process or a stream, ours will do
    for again in (True, False):
        session = await session_of(server, owner)
        told = await ask(server, "ping", b"{}", session_headers(session), wait, owner)
        if not (again and session.id and told.status in (400, 404) and told.error != _NO_METHOD):
            break
        server.forget(owner, session, str(told.status))  # it has ended
    return told
