"""What is remembered of tools, for whom, and what never is."""

import json

import msgspec
import pytest
from tests.builders import ALICE, make_exchange

from triplegate.core.clock import SetClock
from triplegate.gates.mcp import remembering as module
from triplegate.gates.mcp.call import Item, McpCall, OwnItem
from triplegate.gates.mcp.patterns import glob
from triplegate.gates.mcp.remembering import Remembering
from triplegate.gates.mcp.sessions import ClientSession
from triplegate.stores.memory.cache import MemoryCache

READS = {"readOnlyHint": True, "idempotentHint": True}
DONE = b'{"content":[],"resultType":"complete"}'
PUBLIC = b'{"content":[],"cacheScope":"public","ttlMs":60000}'
BOB = msgspec.structs.replace(ALICE, consumer="bob")


def item(name="search", annotations=READS, **more):
    definition = {"name": name} | more | ({} if annotations is None else {"annotations": annotations})
    return Item("tool", name, None, OwnItem(name, json.dumps(definition).encode()), b"{}", b"", b"")


def call(arguments=b"{}", era="modern", session=None, **more):
    raw = {"name": b'"x"', "arguments": arguments, "_meta": b"{}"} | more
    params = {name: msgspec.Raw(value) for name, value in raw.items()}
    return McpCall("request", era, "tools/call", params=params, session=session)


def memory(clock=None, *, shared=False, tools=("*",), ttl=60.0):
    return Remembering("s", glob(tools), ttl, MemoryCache(clock or SetClock()), shared=shared)


def ask(memory, what=None, one=None, who=ALICE):
    return memory.question(make_exchange(principal=who), one or call(), what or item())


async def told(memory, *asked, **more):
    question = ask(memory, *asked, **more)
    return None if question is None else await memory.recall(question)


async def test_the_same_question_of_the_same_caller_is_told_the_same():
    one = memory()
    await one.keep(ask(one, None, call(b'{"a":1,"b":[2,{"c":3,"d":4}]}')), DONE)
    assert await told(one, None, call(b'{ "b" : [2, {"d":4,"c":3}], "a":1 }')) == DONE
    for other in (
        call(b'{"a":2}'),
        call(b'{"a":1,"b":[{"c":3,"d":4},2]}'),
        call(b'{"a":1,"b":[2,{"c":3,"d":4}]}', "legacy"),
    ):
        assert await told(one, None, other) is None


async def test_nobody_is_told_what_another_was_told():
    one = memory()
    await one.keep(ask(one), DONE)
    await one.keep(ask(one), PUBLIC)
    assert await told(one) is not None
    session = ClientSession("s1", "2025-11-25", b"", {})
    others = [
        BOB,
        msgspec.structs.replace(ALICE, team_ref="acme/other"),
        msgspec.structs.replace(ALICE, key_id="k2"),
        msgspec.structs.replace(ALICE, scopes=frozenset({"more"})),
    ]
    for other in others:
        assert await told(one, who=other) is None
    assert await told(one, None, call(session=session)) is None
    nobody = msgspec.structs.replace(ALICE, method="none")
    assert await told(one, who=nobody) is None


async def test_what_is_public_is_shared_where_that_is_written_and_private_is_not():
    one = memory(shared=True)
    await one.keep(ask(one), DONE)
    assert await told(one, who=BOB) is None
    assert await told(one) == DONE
    await one.keep(ask(one, None, call(b'{"a":1}')), PUBLIC)
    assert await told(one, None, call(b'{"a":1}'), who=BOB) == PUBLIC


@pytest.mark.parametrize(
    "what",
    [
        item(annotations=None),
        item(annotations={"readOnlyHint": True}),
        item(annotations={"idempotentHint": True}),
        item(annotations={"readOnlyHint": "true", "idempotentHint": True}),
        item("write"),
    ],
)
def test_only_tools_that_say_that_they_read_are_remembered(what):
    assert ask(memory(tools=("search*",)), what) is None


@pytest.mark.parametrize(
    "one",
    [call(inputResponses=b"{}"), call(requestState=b'"x"'), call(task=b"{}"), call(b"{nonsense")],
)
def test_second_rounds_and_strange_calls_are_not(one):
    assert ask(memory(), None, one) is None


@pytest.mark.parametrize(
    "result",
    [
        b'{"content":[],"isError":true}',
        b'{"resultType":"input_required"}',
        b'{"content":[],"ttlMs":0}',
        b'{"content":[],"ttlMs":"x"}',
        b'{"content":["' + b"x" * module.LARGEST + b'"]}',
    ],
)
async def test_results_that_are_no_answer_or_must_not_be_kept_are_not(result):
    one = memory()
    await one.keep(ask(one), result)
    assert await told(one) is None


async def test_it_is_forgotten_in_time_and_when_something_may_have_changed():
    clock = SetClock()
    one = memory(clock, ttl=60.0)
    await one.keep(ask(one), DONE)
    await one.keep(ask(one, None, call(b'{"a":1}')), PUBLIC.replace(b"60000", b"1000"))
    clock.advance(2)
    assert await told(one) == DONE
    assert await told(one, None, call(b'{"a":1}')) is None
    await one.forget()
    assert await told(one) is None
    await one.keep(ask(one), DONE)
    clock.advance(61)
    assert await told(one) is None


async def test_a_tool_that_was_changed_is_another_tool():
    one = memory()
    await one.keep(ask(one), DONE)
    assert await told(one, item(description="now it does something else")) is None


def test_what_tools_say_is_remembered_within_bounds(monkeypatch):
    monkeypatch.setattr(module, "_KEPT", 3)
    one = memory()
    for number in range(10):
        ask(one, item(f"t{number}"))
    assert len(one._hints) <= 3
    assert one.reads_only(item())
    assert not one.reads_only(item(annotations=None))
