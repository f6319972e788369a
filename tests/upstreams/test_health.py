"""What counts as well: status, time, a connection; asked beside the pool, with the Host and path that were written."""

import asyncio

import msgspec
import pytest
from tests.builders import make_kit
from tests.hostile.scripted import Upstream, says
from tests.hostile.scripted import ask as call
from tests.upstreams.endpoints import endpoints

from triplegate.config.documents_api import ServiceDocument
from triplegate.config.documents_base import Connections, Tls
from triplegate.config.documents_service import HealthDocument
from triplegate.core.clock import SystemClock
from triplegate.upstreams.endpoint import Roster
from triplegate.upstreams.group import Group
from triplegate.upstreams.health import ask, checks
from triplegate.upstreams.reach import reach
from triplegate.upstreams.supervisor import TaskSupervisor


def status(code):
    return says(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok" % code)


def endpoint_at(url, tls=None):
    reached = reach(url, tls, Connections(max=1), make_kit(supervisor=TaskSupervisor(), clock=SystemClock()))
    return msgspec.structs.replace(endpoints("a")[0], origin=reached.pool.origin, pool=reached.pool)


async def asked(script, **rules):
    async with Upstream(script) as upstream:
        ill = await ask(endpoint_at(upstream.url), HealthDocument.model_validate({"timeout": "5s", **rules}))
        return ill, bytes(upstream.talks[0].received) if upstream.talks else b""


@pytest.mark.parametrize(
    ("code", "written", "ill"),
    [
        (204, ["200-399"], ""),
        (500, ["200-399"], "status 500"),
        (404, [404, "200-204"], ""),
        (205, ["200-204"], "status 205"),
    ],
)
async def test_the_status_says(code, written, ill):
    assert (await asked(status(code), status=written))[0] == ill


async def test_the_question_is_a_get_of_the_path_with_the_host():
    _, seen = await asked(status(200), path="/healthz?deep=1", host="orders.test")
    assert seen.startswith(b"GET /healthz?deep=1 HTTP/1.1\r\n")
    assert b"\r\nhost: orders.test\r\n" in seen


async def test_an_answer_that_does_not_come_in_time_is_none():
    async def silent(talk):
        await talk.read_to_end()

    ill, _ = await asked(silent, timeout="50ms")
    assert "timeout" in ill


async def test_only_a_connection_is_enough_when_told_so():
    async def silent(talk):
        await talk.read_to_end()

    assert await asked(silent, tcp=True) == ("", b"")


async def test_nobody_there_is_ill():
    assert "127.0.0.1:1" in await ask(endpoint_at("http://127.0.0.1:1"), HealthDocument())
    assert "127.0.0.1:1" in await ask(endpoint_at("http://127.0.0.1:1"), HealthDocument(tcp=True))


@pytest.mark.parametrize("tcp", [True, False])
async def test_unusable_certificates_are_ill(tcp):
    assert "nowhere.pem" in await ask(endpoint_at("https://a.test", Tls(ca="/nowhere.pem")), HealthDocument(tcp=tcp))


async def test_questions_do_not_wait_behind_calls():
    async def script(talk):
        await talk.head()
        if talk.number == 1:
            await talk.read_to_end()
        await talk.say(b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n")

    async with Upstream(script) as upstream:
        endpoint = endpoint_at(upstream.url)
        calling = asyncio.ensure_future(call(endpoint.pool))
        await upstream.until(lambda: upstream.connections == 1)
        assert await ask(endpoint, HealthDocument(timeout=5)) == ""
        calling.cancel()
        await asyncio.wait([calling])


def group(**health):
    document = ServiceDocument.model_validate({"endpoints": ["http://x"], "health": health})
    return Group("s", endpoints("abz", [1, 1, 0]), document, Roster())


def test_each_endpoint_that_gets_calls_is_asked_at_the_pace_that_was_written():
    found = list(checks(group(interval="3s"), SystemClock()))
    assert [(one.name, one.every) for one in found] == [("health s a", 3), ("health s b", 3)]
    bare = Group("s", endpoints("a"), ServiceDocument.model_validate({"endpoints": ["http://x"]}), Roster())
    assert list(checks(bare, SystemClock())) == []


async def test_a_check_marks_its_endpoint():
    async with Upstream(status(500)) as upstream:
        made = group(timeout="5s")
        made.endpoints = (endpoint_at(upstream.url), made.endpoints[1])
        first, _ = checks(made, SystemClock())
        await first.work()
        assert made.endpoints[0].standing.ill == "status 500"
        assert made.endpoints[0] not in made.usable(1.0)
