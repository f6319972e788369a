"""Memory sessions are bounded in number and bytes."""

from triplegate.core.clock import SetClock
from triplegate.stores.memory.sessions import MemorySessions


async def test_the_session_idle_longest_goes_first() -> None:
    sessions = MemorySessions(SetClock(), max_sessions=3)
    for name in "abc":
        await sessions.put(name, {"x": b"1"}, 60.0)
    await sessions.get("a", 60.0)
    await sessions.put("d", {"x": b"1"}, 60.0)
    assert [await sessions.get(name, 60.0) is not None for name in "abcd"] == [True, False, True, True]
    assert sessions.evicted == 1


async def test_all_records_together_stay_within_their_bytes() -> None:
    sessions = MemorySessions(SetClock(), max_bytes=100_000)
    for n in range(20):
        await sessions.put(str(n), {"x": bytes(30_000)}, 60.0)
    assert len(sessions) == 3
    assert await sessions.set_field("19", "x", bytes(60_000))
    await sessions.put("20", {"x": bytes(30_000)}, 60.0)
    assert len(sessions) == 2


async def test_expired_sessions_are_swept_as_new_ones_come() -> None:
    clock = SetClock()
    sessions = MemorySessions(clock)
    for n in range(1_000):
        clock.advance(1.0)
        await sessions.put(str(n), {"x": b"1"}, 10.0)
    assert len(sessions) <= 12
    assert sessions.evicted == 0
