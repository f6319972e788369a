"""Conversations that can be gone on from: for whoever had them, for a while, up to a size."""

import msgspec
import pytest
from tests.builders import ALICE, make_kit

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.gates.llm.tool_keeping import Answered, Kept, ToolKeeping
from triplegate.stores.memory.store import MemoryStore
from triplegate.wire.neutral import Raw
from triplegate.wire.responses_mcp_items import Asked

KEPT = Kept(
    [Raw(b'{"a":1}')], {"orders": [Raw(b'{"name":"x"}')]}, {"r": Asked("r", "orders", "x", "{}", "c")}, "resp_1"
)


def kit():
    made, store = make_kit(), MemoryStore(SetClock())
    made.cache, made.once = store.cache, store.once
    return made


async def test_only_the_same_caller_finds_it():
    keeping = ToolKeeping(kit(), 60.0)
    await keeping.keep("resp_mcp_1", ALICE, KEPT)
    found = await keeping.find("resp_mcp_1", ALICE)
    assert msgspec.json.encode(found) == msgspec.json.encode(KEPT)
    history = found.history()
    assert (history.asked["r"].call, history.listed.keys(), len(history.entries)) == ("c", {"orders"}, 1)
    for identity, who in (
        ("resp_mcp_2", ALICE),
        ("resp_mcp_1", msgspec.structs.replace(ALICE, consumer="other")),
        ("resp_mcp_1", msgspec.structs.replace(ALICE, team_ref="acme/other")),
    ):
        with pytest.raises(Refusal, match="previous_response_not_found"):
            await keeping.find(identity, who)


async def test_what_is_too_large_or_not_wanted_is_not_kept():
    large = Kept([Raw(b'"%b"' % (b"x" * 1024 * 1024))])
    for ttl, kept in ((60.0, large), (0.0, KEPT)):
        keeping = ToolKeeping(kit(), ttl)
        await keeping.keep("resp_mcp_1", ALICE, kept)
        with pytest.raises(Refusal):
            await keeping.find("resp_mcp_1", ALICE)


async def test_a_response_and_its_conversation_are_dropped_together_and_by_nobody_else():
    keeping, answered = ToolKeeping(kit(), 60.0), Answered(Raw(b'{"id":"resp_mcp_1"}'), Raw(b'"Hi."'), ["resp_1_tgx"])
    other = msgspec.structs.replace(ALICE, consumer="other")
    await keeping.keep("resp_mcp_1", ALICE, KEPT)
    await keeping.tell("resp_mcp_1", ALICE, answered)
    with pytest.raises(Refusal, match="response_not_found"):
        await keeping.told("resp_mcp_1", other)
    await keeping.drop("resp_mcp_1", other)
    found = await keeping.told("resp_mcp_1", ALICE)
    assert (bytes(found.response), bytes(found.input), found.turns) == (
        b'{"id":"resp_mcp_1"}',
        b'"Hi."',
        ["resp_1_tgx"],
    )
    await keeping.drop("resp_mcp_1", ALICE)
    for gone in (keeping.told, keeping.find):
        with pytest.raises(Refusal, match="not_found"):
            await gone("resp_mcp_1", ALICE)


async def test_a_yes_counts_once():
    keeping = ToolKeeping(kit(), 60.0)
    await keeping.use("mcpr_1", ALICE)
    await keeping.use("mcpr_1", msgspec.structs.replace(ALICE, consumer="other"))
    with pytest.raises(Refusal, match="unsupported_parameter"):
        await keeping.use("mcpr_1", ALICE)
