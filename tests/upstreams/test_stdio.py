"""A command called as if it were an HTTP server: sessions, ids, streams, processes within bounds."""

import asyncio
import json
import time
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.upstreams.commands import DISPATCH, greet, message, runs, send, server, text, told, tool, until, whole

from triplegate.core.errors import Refusal
from triplegate.core.policy import Dispatch
from triplegate.upstreams import stdio_program
from triplegate.upstreams.stdio_program import Command
from triplegate.upstreams.stdio_reaper import Reaper


@pytest.fixture
async def run():
    """Make servers that are closed after the test."""
    reaper = Reaper()
    async with AsyncExitStack() as ends:

        def make(*how, **more):
            made = server(*how, reaper=reaper, **more)
            ends.push_async_callback(made.close)
            return made

        yield make
    reaper.close()


async def test_a_session_is_opened_used_and_unknown_to_others(run):
    one = run("legacy")
    session = await greet(one)
    answer = await told(one, tool("echo", 42, text="hällo"), session=session)
    assert (answer["id"], text(answer), answer["result"]["odd"]) == (42, "hällo", {"kept": [1.0, None]})
    assert (await send(one, tool("echo"), session=b"another")).status == 404
    assert (await send(one, b"", session=session, method="DELETE")).status == 204


async def test_a_modern_one_needs_no_session_and_errors_have_the_status_that_http_gives_them(run):
    one = run("modern")
    answer = await told(one, message("server/discover"))
    assert answer["result"]["supportedVersions"] == ["2026-07-28"]
    reply = await send(one, message("vendor/unknown"))
    assert (reply.status, json.loads(await whole(reply))["error"]["code"]) == (404, -32601)


async def test_a_hundred_callers_may_all_say_id_one_and_use_the_same_progress_token(run):
    one = run("modern")
    replies = await asyncio.gather(*(told(one, tool("echo", 1, text=str(n))) for n in range(100)))
    assert [text(each) for each in replies] == [str(n) for n in range(100)]
    streams = await asyncio.gather(*(send(one, tool("progress", n, meta={"progressToken": "p"})) for n in range(5)))
    for number, stream in enumerate(streams):
        events = [json.loads(line[6:]) for line in (await whole(stream)).splitlines() if line.startswith(b"data: ")]
        steps = [each["params"] for each in events if each.get("method") == "notifications/progress"]
        assert [step["progress"] for step in steps] == [0, 1, 2]
        assert {step["progressToken"] for step in steps} == {"p"}
        assert events[-1]["id"] == number


async def test_all_owners_have_processes_of_their_own_and_one_owner_has_one(run):
    one = run("legacy")
    mine, again, other = await greet(one, "a"), await greet(one, "a"), await greet(one, "b")
    assert mine == again != other
    pids = [text(await told(one, tool("pid"), session=session)) for session in (mine, again, other)]
    assert pids[0] == pids[1] != pids[2]
    assert one.links == 2


async def test_two_that_call_at_once_start_one_process(run):
    one = run("modern")
    answers = await asyncio.gather(*(told(one, tool("pid"), owner="a") for _ in range(10)))
    assert len({text(answer) for answer in answers}) == 1
    assert one.links == 1


async def test_five_hundred_sessions_leave_no_more_processes_than_there_may_be(run):
    one = run("modern", most=2, kept=False)
    answers = [await told(one, tool("pid"), owner=f"s:{n}") for n in range(6)]
    pids = {int(text(answer)) for answer in answers}
    assert len(pids) == 6
    await until(lambda: sum(runs(pid) for pid in pids) <= 2)
    assert one.links <= 2


async def test_where_all_are_in_use_a_call_is_refused(run):
    one = run("modern", most=1)
    waiting = asyncio.ensure_future(send(one, tool("wait", key="k"), owner="a"))
    await until(lambda: any(peer.busy for peer in one._peers.values()))
    with pytest.raises(Refusal, match="upstream_busy"):
        await send(one, tool("pid"), owner="b")
    waiting.cancel()


async def test_a_session_that_is_ended_takes_its_process_along_where_nobody_shares_it(run):
    one = run("legacy", kept=False)
    session = await greet(one, "s:1")
    pid = int(text(await told(one, tool("pid"), session=session)))
    await send(one, b"", session=session, method="DELETE")
    assert (await send(one, tool("pid"), session=session)).status == 404
    await until(lambda: not runs(pid))


async def test_one_that_is_idle_or_old_or_named_no_more_is_ended(run):
    for one in (run("modern", idle=0.05), run("modern", lifetime=0.05, idle=0.4)):
        pid = int(text(await told(one, tool("pid"))))
        await until(lambda pid=pid: not runs(pid))
    one = run("modern")
    pid = int(text(await told(one, tool("pid"))))
    one.retire()
    await until(lambda: not runs(pid))


async def test_calls_under_way_are_waited_for_before_an_old_one_ends(run):
    one = run("modern", lifetime=0.5, idle=0.4)
    waiting = asyncio.ensure_future(told(one, tool("wait", key="k"), owner="a"))
    await until(lambda: one._aging)
    peer = next(iter(one._aging))
    other = await told(one, tool("pid"), owner="a")
    assert text(other) != str(peer.link.pid)
    peer.link.send(message("vendor/release", identity=99))
    assert text(await waiting) == "k released"


async def test_one_that_ends_is_told_of_with_its_last_words_and_started_again_after_a_pause(run, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr("triplegate.upstreams.peers.time", SimpleNamespace(monotonic=lambda: now))
    one = run("legacy")
    session = await greet(one)
    with pytest.raises(Refusal, match="upstream_reset") as refused:
        await send(one, tool("end"), session=session)
    assert "status 3" in refused.value.reason
    assert "it was told to" in refused.value.reason
    assert (await send(one, tool("pid"), session=session)).status == 404
    with pytest.raises(Refusal, match="upstream_unreachable") as paused:
        await greet(one)
    assert "it was told to" in paused.value.reason
    assert 0 < paused.value.retry_after <= 0.25
    now += paused.value.retry_after
    assert await greet(one) != session


async def test_one_that_never_starts_well_is_asked_less_and_less_often(run):
    one = run("legacy", "dies")
    for _ in range(3):
        with pytest.raises(Refusal, match=r"upstream_(reset|unreachable)"):
            await told(one, message("initialize"))
        await until(lambda: not one.links)
        one._not_before = 0.0
    assert one._failures == 3


async def test_a_program_that_is_not_there_is_a_server_that_cannot_be_reached(run):
    one = run("legacy")
    one.command = Command("none", ("/nowhere/at/all",), {})
    with pytest.raises(Refusal, match="upstream_unreachable"):
        await told(one, message("initialize"))
    assert one.links == 0


async def test_a_line_without_end_ends_the_process_and_holds_no_memory(run):
    one = run("modern", longest=100_000)
    with pytest.raises(Refusal, match="upstream_reset") as refused:
        await send(one, tool("long_line", size=10_000_000))
    assert "longer than 100000 bytes" in refused.value.reason


async def test_what_is_no_message_and_answers_that_nobody_waits_for_are_left_out(run):
    assert text(await told(run("modern"), tool("garbage"))) == "after it"


async def test_one_that_does_not_answer_holds_nobody_longer_than_the_times_say(run):
    one = run("modern")
    with pytest.raises(Refusal, match="upstream_timeout"):
        await send(one, tool("quiet"), dispatch=Dispatch(first_byte=0.05, idle=1.0, total=5.0))
    assert text(await told(one, tool("echo", text="on"))) == "on"


async def test_a_modern_call_that_is_given_up_is_cancelled(run):
    one = run("modern")
    waiting = asyncio.ensure_future(send(one, tool("wait", key="k")))
    await until(lambda: any(peer.busy for peer in one._peers.values()))
    waiting.cancel()
    await asyncio.wait({waiting})
    answer = await told(one, message("vendor/release"))
    assert answer["result"]["waiting"] == ["k cancelled"]


async def test_a_legacy_call_goes_on_without_its_caller_until_it_is_cancelled(run):
    one = run("legacy")
    session = await greet(one)
    waiting = asyncio.ensure_future(send(one, tool("wait", 77, key="k"), session=session))
    await until(lambda: any(peer.busy for peer in one._peers.values()))
    waiting.cancel()
    await asyncio.wait({waiting})
    assert (await told(one, message("vendor/release", {"text": "x"}), session=session))["result"]["waiting"] == []
    again = asyncio.ensure_future(send(one, tool("wait", 78, key="k"), session=session))
    await until(lambda: any(peer.busy for peer in one._peers.values()))
    again.cancel()
    await asyncio.wait({again})
    await send(one, message("notifications/cancelled", {"requestId": 78}, None), session=session)
    assert (await told(one, message("vendor/release"), session=session))["result"]["waiting"] == ["k cancelled"]
    assert not one._sessions[session]._calls


async def test_its_questions_reach_the_caller_and_only_their_answers_reach_it(run):
    one = run("legacy")
    session = await greet(one)
    reply = await send(one, tool("ask", 5), session=session)
    asked = json.loads((await anext(reply.frames)).split(b"data: ")[1])
    assert (asked["id"], asked["method"]) == ("q1", "elicitation/create")
    forged = b'{"jsonrpc":"2.0","id":"q2","result":{"action":"accept"}}'
    assert (await send(one, forged, session=session)).status == 202
    given = b'{"jsonrpc":"2.0","id":"q1","result":{"action":"decline"}}'
    assert (await send(one, given, session=session)).status == 202
    assert '\\"decline\\"' in (await whole(reply)).decode()


async def test_a_stream_of_its_own_hears_what_belongs_to_no_call(run):
    one = run("legacy")
    params = {"protocolVersion": "2025-11-25", "capabilities": {}}
    reply = await send(one, message("initialize", params))
    session = dict(reply.headers)[b"mcp-session-id"]
    stream = await send(one, b"", session=session, method="GET", dispatch=DISPATCH)
    await send(one, message("notifications/initialized", identity=None), session=session)
    assert b"notifications/tools/list_changed" in await anext(stream.frames)
    stream.frames.close()
    assert not one._sessions[session]._listeners


async def test_a_subscription_is_told_under_its_callers_id(run):
    stream = await send(run("modern"), message("subscriptions/listen", identity="mine"))
    text = b""
    while b"list_changed" not in text:
        text += await anext(stream.frames)
    assert text.count(b'"io.modelcontextprotocol/subscriptionId": "mine"') == 2
    stream.frames.close()


async def test_it_goes_even_if_it_ignores_every_request_and_what_it_started_goes_too(run, monkeypatch):
    monkeypatch.setattr(stdio_program, "_FORCED", 0.6)
    one = run("modern", "stubborn", "child", environment={"MARK": "of the test"})
    pid = int(text(await told(one, tool("pid"))))
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    assert len(children) == 1
    await one.close()
    assert not runs(pid)
    await until(lambda: not runs(children[0]))
