"""A service: its endpoints in turn, the Host they see, the times calls are given."""

import asyncio

import msgspec
import pytest
from tests.builders import make_exchange, make_kit
from tests.gates.built import built
from tests.hostile.scripted import Upstream, says

from triplegate.config.documents_api import ServiceDocument
from triplegate.core.catalog import Target
from triplegate.core.fold import fold
from triplegate.gates.api.service import Service
from triplegate.policies.retry import Retry
from triplegate.policies.timeout import Timeout
from triplegate.upstreams.supervisor import TaskSupervisor

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def service(kit=None, **written):
    kit = kit or make_kit(supervisor=TaskSupervisor())
    document = ServiceDocument.model_validate({"endpoints": ["http://127.0.0.1:1"], **written})
    return Service("s", document, kit), kit


def chain(*policies):
    async def last(exchange):
        raise NotImplementedError

    return fold(policies, last, make_kit())


def test_a_chain_changes_what_the_service_says_and_nothing_else():
    made, _ = service(timeouts={"total": 9, "idle": 4, "first_byte": 3})
    plain, tuned = chain(), chain(Timeout(total=2), Retry(attempts=3))
    assert (made.dispatch(plain).total, made.dispatch(plain).idle, made.dispatch(plain).retries) == (9, 4, 1)
    found = made.dispatch(tuned)
    assert (found.total, found.idle, found.first_byte, found.retries) == (2, 4, 3, 3)
    assert made.dispatch(tuned) is found  # made once
    assert made.dispatch(plain).total == 9


def test_a_services_own_times_hold_among_several():
    own = Timeout(total=1)
    document = ServiceDocument.model_validate({"endpoints": ["http://127.0.0.1:1"]}).model_copy(
        update={"policies": (own,)}
    )
    made = Service("s", document, make_kit(supervisor=TaskSupervisor()))
    assert made.dispatch(chain(Timeout(total=5, idle=7))).total == 1
    assert made.dispatch(chain(Timeout(idle=7))).idle == 7
    # where it is the only one it stands in the chain, at its place
    assert made.dispatch(chain(own, Timeout(total=5))).total == 5


def test_endpoints_take_turns_and_the_turn_outlives_reloads():
    endpoints = [f"http://127.0.0.1:{port}" for port in (1, 2, 3)]
    made, kit = service(endpoints=endpoints)
    first = [port_of(made) for _ in range(4)]
    again, _ = service(kit, endpoints=endpoints)
    assert first + [port_of(again) for _ in range(2)] == [1, 2, 3, 1, 2, 3]


def port_of(made):
    """Where one call would go."""
    exchange = make_exchange()
    found = made.begin(exchange, exchange.attempt(Target("service", "s")), chain()).origin.port
    exchange.close("ok")
    return found


def test_a_retry_goes_where_the_call_has_not_been():
    made, _ = service(endpoints=[f"http://127.0.0.1:{port}" for port in (1, 2, 3)])
    for _ in range(4):
        exchange = make_exchange()
        tried = [made.begin(exchange, exchange.attempt(Target("service", "s")), chain()).name for _ in range(3)]
        assert len(set(tried)) == 3
        assert made.begin(exchange, exchange.attempt(Target("service", "s")), chain()).name in tried
        exchange.close("ok")


def active(made):
    return [endpoint.standing.active for endpoint in made.group.endpoints]


def test_an_attempt_counts_until_it_failed_or_the_exchange_closes():
    made, _ = service(endpoints=["http://127.0.0.1:1", "http://127.0.0.1:2"])
    exchange = make_exchange()
    first, second = (exchange.attempt(Target("service", "s")) for _ in range(2))
    made.begin(exchange, first, chain())
    made.begin(exchange, second, chain())
    assert active(made) == [1, 1]
    first.error_class = "transient"
    made.report(first, chain())
    made.report(second, chain())
    assert active(made) == [0, 1]
    exchange.close("gone")
    assert active(made) == [0, 0]


async def test_a_try_that_is_cancelled_no_longer_counts():
    heard = asyncio.Event()

    async def script(talk):
        await talk.head()
        heard.set()
        await talk.read_to_end()

    async with Upstream(script) as upstream:
        made, kit = service(endpoints=[upstream.url, "http://127.0.0.1:1"])
        exchange = make_exchange()
        attempt = exchange.attempt(Target("service", "s"))
        trying = asyncio.ensure_future(made.send(exchange, [], chain(), attempt))
        await heard.wait()
        assert active(made) == [1, 0]
        trying.cancel()
        await asyncio.wait([trying])
        assert active(made) == [0, 0]
        await kit.supervisor.close()


@pytest.mark.parametrize(
    ("host", "seen"), [("keep", b"a.test"), ("upstream", None), ("fixed.test:81", b"fixed.test:81")]
)
async def test_the_host_is_the_clients_the_endpoints_or_a_fixed_one(host, seen):
    async with Upstream(says(OK)) as upstream:
        made, kit = service(endpoints=[upstream.url], host=host)
        exchange = make_exchange()
        exchange = msgspec.structs.replace(exchange, inbound=msgspec.structs.replace(exchange.inbound, query=b"a=%20b"))
        reply = await made.send(exchange, [(b"x-a", b"1")], chain(), exchange.attempt(Target("service", "s")))
        assert await anext(reply.frames) == b"ok"
        received = bytes(upstream.talks[0].received)
        expected = seen or upstream.url.removeprefix("http://").encode()
        assert received.startswith(b"GET /orders?a=%20b HTTP/1.1\r\n")
        assert b"\r\nhost: " + expected + b"\r\n" in received.lower()
        made.group.endpoints[0].pool.close()
        await kit.supervisor.close()


async def test_a_document_is_taken_with_its_times(tmp_path):
    text = """
services: {s: {endpoints: ["http://127.0.0.1:1"], timeout: 2s}}
routes: {r: {service: s, match: {path: /}, identity: none}}
"""
    async with built(tmp_path, text) as made:
        wiring = made.open("GET", "/x").route.targets[0][0].wiring
        assert wiring.dispatch(chain()).total == 2
