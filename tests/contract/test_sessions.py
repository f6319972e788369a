"""Sessions: small records with a sliding life; the same on every adapter."""

import pytest
from tests.servers.states import State


async def test_a_record_comes_back_as_it_was_put(state: State) -> None:
    record = {"principal": b"ci", "binary": bytes(range(256)), "empty": b""}
    await state.sessions.put("s", record, 60.0)
    assert await state.sessions.get("s", 60.0) == record
    assert await state.sessions.get("other", 60.0) is None


async def test_an_empty_record_is_a_session_too(state: State) -> None:
    await state.sessions.put("s", {}, 60.0)
    assert await state.sessions.get("s", 60.0) == {}


async def test_put_replaces_the_whole_record(state: State) -> None:
    await state.sessions.put("s", {"a": b"1", "b": b"2"}, 60.0)
    await state.sessions.put("s", {"c": b"3"}, 60.0)
    assert await state.sessions.get("s", 60.0) == {"c": b"3"}


async def test_each_reading_prolongs_the_life(state: State) -> None:
    await state.sessions.put("s", {"a": b"1"}, 0.05)
    assert await state.sessions.get("s", 60.0) is not None
    await state.outlive(0.05)
    assert await state.sessions.get("s", 0.05) == {"a": b"1"}
    await state.outlive(0.05)
    assert await state.sessions.get("s", 60.0) is None


async def test_a_field_is_set_only_in_a_living_session(state: State) -> None:
    await state.sessions.put("s", {"a": b"1"}, 60.0)
    assert await state.sessions.set_field("s", "b", b"2")
    assert await state.sessions.set_field("s", "a", b"3")
    assert await state.sessions.get("s", 60.0) == {"a": b"3", "b": b"2"}
    assert not await state.sessions.set_field("gone", "b", b"2")
    assert await state.sessions.get("gone", 60.0) is None


async def test_an_ended_session_is_gone(state: State) -> None:
    await state.sessions.put("s", {"a": b"1"}, 60.0)
    assert await state.sessions.end("s")
    assert not await state.sessions.end("s")
    assert not await state.sessions.set_field("s", "b", b"2")
    assert await state.sessions.get("s", 60.0) is None


async def test_what_was_read_is_a_copy(state: State) -> None:
    await state.sessions.put("s", {"a": b"1"}, 60.0)
    record = await state.sessions.get("s", 60.0)
    assert record is not None
    record["a"] = b"changed"
    assert await state.sessions.get("s", 60.0) == {"a": b"1"}


async def test_records_are_bounded(state: State) -> None:
    with pytest.raises(ValueError, match="65536 bytes"):
        await state.sessions.put("s", {"a": bytes(65_536)}, 60.0)
    with pytest.raises(ValueError, match="has a name"):
        await state.sessions.put("s", {"": b"x"}, 60.0)
    with pytest.raises(ValueError, match="64 fields"):
        await state.sessions.put("s", {f"f{n}": b"" for n in range(65)}, 60.0)
    await state.sessions.put("s", {f"f{n}": b"" for n in range(64)}, 60.0)
    with pytest.raises(ValueError, match="64 fields"):
        await state.sessions.set_field("s", "one-more", b"")
    with pytest.raises(ValueError, match="65536 bytes"):
        await state.sessions.set_field("s", "f1", bytes(65_536))
    assert await state.sessions.set_field("s", "f1", bytes(60_000))
