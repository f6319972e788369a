"""Ask endpoints whether they are well: a GET or only a connection, each time a fresh one beside the pool of calls."""

from collections.abc import Awaitable, Callable, Iterator

from triplegate.config.documents_service import HealthDocument
from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.http import BytesBody
from triplegate.core.policy import Dispatch
from triplegate.upstreams.endpoint import Endpoint
from triplegate.upstreams.group import Group
from triplegate.upstreams.upkeep import Chore

Asked = Callable[[Endpoint, HealthDocument], Awaitable[str]]
"""What is wrong with an endpoint; empty when nothing is."""


def checks(group: Group, clock: Clock, asked: Asked | None = None) -> Iterator[Chore]:
    """One chore for each endpoint, if the service wants them asked; `asked` where that is not by HTTP."""
    rules = group.document.health
    if rules is not None:
        for endpoint in group.endpoints:
            if endpoint.weight:
                yield _check(group, endpoint, rules, clock, asked or ask)


def _check(group: Group, endpoint: Endpoint, rules: HealthDocument, clock: Clock, asked: Asked) -> Chore:
    async def work() -> None:
        ill = await asked(endpoint, rules)
        group.mark(endpoint, ill, clock.now())

    return Chore(f"health {group.name} {endpoint.name}", rules.interval, work)


async def ask(endpoint: Endpoint, rules: HealthDocument) -> str:
    """What is wrong with the endpoint; empty when nothing is."""
    wait = rules.timeout
    dispatch = Dispatch(connect=wait, first_byte=wait, idle=wait, total=wait)
    pool = endpoint.pool.twin()
    try:
        if rules.tcp:
            await pool.acquire(dispatch, pool.now() + wait)
            return ""
        host = endpoint.origin.authority if rules.host is None else rules.host.encode("ascii")
        headers = [(b"host", host), (b"user-agent", b"triplegate-health")]
        path = endpoint.base + rules.path.encode("ascii")
        reply = await pool.send("GET", path, headers, BytesBody(), dispatch)
        reply.frames.close()
    except Refusal as refusal:
        return refusal.reason or refusal.code
    finally:
        pool.close()
    well = any(low <= reply.status <= high for low, high in rules.ranges)
    return "" if well else f"status {reply.status}"
