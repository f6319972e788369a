"""Servers of 2024-11-05: a stream a session, messages by POST to where the stream says and nowhere else."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from tests.builders import make_kit
from tests.upstreams.commands import DISPATCH, greet, message, send, text, told, tool, until
from tests.upstreams.sse_sample import OldServer

from triplegate.core.errors import Refusal
from triplegate.core.policy import Dispatch
from triplegate.samples.http import Answer, Server
from triplegate.upstreams.legacy_sse import SseServer, SseTarget
from triplegate.upstreams.origin import parse
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.supervisor import TaskSupervisor


@pytest.fixture
async def run():
    """Start an old server, and make the far end that calls it."""
    async with AsyncExitStack() as ends:

        async def start(handler, path=b"/sse", headers=()):
            far = await ends.enter_async_context(Server(handler))
            kit = make_kit(supervisor=TaskSupervisor())
            origin, _ = parse(far.url)
            pool = Pool(origin, kit.supervisor)
            fixed = [(b"host", origin.authority), (b"content-type", b"application/json"), *headers]
            made = SseServer(SseTarget(pool, path, fixed, DISPATCH), kit.supervisor)

            async def end():
                await made.close()
                await kit.supervisor.close(1)
                pool.close()

            ends.push_async_callback(end)
            return made

        yield start


async def test_it_is_used_like_a_server_with_sessions_and_each_owner_has_a_stream(run):
    old = OldServer()
    one = await run(old, headers=[(b"authorization", b"Bearer s3cret")])
    mine, other = await greet(one, "a"), await greet(one, "b")
    answers = await asyncio.gather(
        *(told(one, tool("echo", 1, text=str(n)), session=session) for n in range(20) for session in (mine, other))
    )
    assert [answer["id"] for answer in answers] == [1] * 40
    assert {text(answer).split()[1] for answer in answers} == {str(n) for n in range(20)}
    assert len({text(answer).split()[0] for answer in answers}) == len(old.streams) == 2
    assert {request.header("authorization") for request in old.seen} == {"Bearer s3cret"}
    await send(one, b"", session=mine, method="DELETE")
    await until(lambda: len(old.streams) == 1)
    assert (await send(one, tool("echo"), session=mine)).status == 404


async def test_a_stream_that_ends_fails_what_waits_and_the_session_is_opened_anew(run):
    one = await run(OldServer())
    session = await greet(one)
    with pytest.raises(Refusal, match="upstream_reset"):
        await send(one, tool("bye"), session=session)
    assert (await send(one, tool("echo"), session=session)).status == 404
    one._not_before = 0.0
    assert await greet(one) != session


@pytest.mark.parametrize(
    "endpoint",
    ["http://169.254.169.254/latest", "//127.0.0.2:1/x", "https://127.0.0.1/x", "file:///etc/passwd", "http://[::1]/x"],
)
async def test_messages_go_nowhere_but_to_where_the_stream_came_from(run, endpoint):
    one = await run(OldServer(endpoint))
    with pytest.raises(Refusal, match="upstream_malformed"):
        await greet(one)
    assert one.links == 0


@pytest.mark.parametrize("endpoint", ["messages?session=%s", "?session=%s"])
async def test_an_endpoint_may_be_said_in_any_way_that_stays_there(run, endpoint):
    one = await run(OldServer(endpoint))
    assert text(await told(one, tool("echo", text="x"), session=await greet(one))).endswith(" x")


async def test_a_message_that_is_refused_fails_its_call_and_a_forgotten_session_ends(run):
    old = OldServer()
    one = await run(old)
    session = await greet(one)
    old.posted = 500
    with pytest.raises(Refusal, match="upstream_reset") as refused:
        await send(one, tool("echo"), session=session)
    assert "500" in refused.value.reason
    old.posted = 404
    with pytest.raises(Refusal, match="upstream_reset"):
        await send(one, tool("echo"), session=session)
    await until(lambda: not one.links)


async def test_what_is_no_such_stream_is_no_such_server(run):
    from triplegate.samples.http import Answer

    async def modern(request):
        return Answer.json({"error": "not here"}, 405)

    with pytest.raises(Refusal, match="upstream_malformed") as refused:
        await greet(await run(modern))
    assert "405" in refused.value.reason


async def test_one_that_does_not_answer_holds_nobody_longer_than_the_times_say(run):
    one = await run(OldServer())
    session = await greet(one)
    with pytest.raises(Refusal, match="upstream_timeout"):
        await send(one, message("vendor/none"), session=session, dispatch=Dispatch(first_byte=0.05, total=5.0))


async def test_it_is_known_by_its_greeting_and_nothing_is_left_open(run):
    old = OldServer()
    assert await (await run(old)).greets()
    await until(lambda: not old.streams)

    async def other(request):
        return Answer(b"data: hello\n\n", 200, "text/event-stream")

    assert not await (await run(other)).greets()
