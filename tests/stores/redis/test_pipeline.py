"""One connection: commands of a tick share a write, late answers are dropped in their place, the breaker opens."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from tests.servers.redis import Kind, RedisServer
from tests.servers.spawn import free_port

from triplegate.core.errors import Refusal
from triplegate.stores.redis.pipeline import FAILURES, Pipeline, StoreAway
from triplegate.upstreams.supervisor import TaskSupervisor


@asynccontextmanager
async def opened(url: str, *, deadline: float = 20.0, max_pending: int = 4_096) -> AsyncIterator[Pipeline]:
    supervisor = TaskSupervisor()
    pipeline = Pipeline(url, supervisor, deadline=deadline, max_pending=max_pending)
    try:
        await pipeline.open()
        yield pipeline
    finally:
        pipeline.close()
        await supervisor.close()


async def until(fits: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not fits():
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.02)


async def reads_of(pipeline: Pipeline) -> int:
    text: bytes = await pipeline.call("INFO", "stats")
    (line,) = [line for line in text.splitlines() if line.startswith(b"total_reads_processed:")]
    return int(line.split(b":")[1])


async def test_commands_of_one_tick_share_one_write(make_redis: Callable[[Kind], RedisServer]) -> None:
    async with opened(make_redis("redis").url) as pipeline:
        before = await reads_of(pipeline)
        answers = await asyncio.gather(*[pipeline.call("ECHO", str(n)) for n in range(100)])
        assert answers == [str(n).encode() for n in range(100)]
        assert await reads_of(pipeline) - before <= 3, "one read for the hundred, one for the question itself"


async def test_nothing_is_spawned_per_command(redis_url: str) -> None:
    async with opened(redis_url) as pipeline:
        await pipeline.call("PING")
        tasks = len(asyncio.all_tasks())
        futures = [pipeline.send("PING") for _ in range(50)]
        assert len(asyncio.all_tasks()) == tasks
        assert [await future for future in futures] == [b"PONG"] * 50


async def test_a_late_answer_is_dropped_in_its_place(redis_url: str) -> None:
    async with opened(redis_url, deadline=0.15) as pipeline:
        late = pipeline.send("BLPOP", "nothing-ever-comes-here", "0.4")
        assert isinstance(await late, StoreAway)
        assert pipeline.up
        assert pipeline.timeouts == 1
        async with asyncio.timeout(10):
            while isinstance(answer := await pipeline.send("ECHO", "mine"), StoreAway):
                assert pipeline.up
        assert answer == b"mine"


async def test_a_caller_that_gives_up_does_not_shift_the_answers(redis_url: str) -> None:
    async with opened(redis_url) as pipeline:
        first, second, third = (pipeline.send("ECHO", name) for name in "abc")
        second.cancel()
        assert (await first, await third) == (b"a", b"c")


async def test_a_command_that_cannot_be_written_does_not_shift_the_answers(redis_url: str) -> None:
    async with opened(redis_url) as pipeline:
        first = pipeline.send("ECHO", "a")
        with pytest.raises(UnicodeEncodeError):
            pipeline.send("ECHO", "\ud800")
        second = pipeline.send("ECHO", "b")
        assert (await first, await second) == (b"a", b"b")


async def test_an_error_of_the_server_is_an_answer(redis_url: str) -> None:
    async with opened(redis_url) as pipeline:
        wrong = await pipeline.send("NO-SUCH-COMMAND")
        assert isinstance(wrong, Exception)
        assert not isinstance(wrong, StoreAway)
        with pytest.raises(Refusal) as refused:
            await pipeline.call("NO-SUCH-COMMAND")
        assert refused.value.code == "overloaded"
        assert await pipeline.call("PING") == b"PONG"


async def test_five_late_writes_open_the_breaker_and_a_ping_closes_it(
    make_redis: Callable[[Kind], RedisServer],
) -> None:
    server = make_redis("redis")
    async with opened(server.url, deadline=0.1) as pipeline:
        server.pause()
        for _ in range(FAILURES):
            assert pipeline.up
            assert isinstance(await pipeline.send("PING"), StoreAway)
        assert not pipeline.up
        with pytest.raises(StoreAway):
            pipeline.send("PING")
        server.resume()
        await until(lambda: pipeline.up)
        assert await pipeline.call("PING") == b"PONG"
        assert pipeline.losses == 1


async def test_one_answer_in_time_starts_the_count_anew(make_redis: Callable[[Kind], RedisServer]) -> None:
    server = make_redis("redis")
    async with opened(server.url, deadline=0.25) as pipeline:
        for _ in range(2):
            server.pause()
            for _ in range(FAILURES - 1):
                assert isinstance(await pipeline.send("PING"), StoreAway)
            server.resume()
            await until(lambda: server.answers)
            assert await pipeline.send("PING") == b"PONG"
        assert pipeline.losses == 0


async def test_a_loop_that_stood_still_reads_before_it_gives_up(redis_url: str) -> None:
    async with opened(redis_url, deadline=0.1) as pipeline:
        asking = pipeline.send("ECHO", "x")
        time.sleep(0.3)
        assert await asking == b"x"
        assert pipeline.timeouts == 0


async def test_many_late_answers_of_one_write_are_one_failure(make_redis: Callable[[Kind], RedisServer]) -> None:
    server = make_redis("redis")
    async with opened(server.url, deadline=0.1) as pipeline:
        server.pause()
        answers = await asyncio.gather(*[pipeline.send("PING") for _ in range(50)])
        assert all(isinstance(answer, StoreAway) for answer in answers)
        assert (pipeline.up, pipeline.timeouts) == (True, 1)


async def test_a_reset_connection_answers_all_who_wait_and_is_made_again(
    make_redis: Callable[[Kind], RedisServer],
) -> None:
    server = make_redis("valkey")
    async with opened(server.url) as pipeline:
        waiting = [pipeline.send("BLPOP", "nothing", "0") for _ in range(3)]
        await asyncio.sleep(0)
        server.kill()
        async with asyncio.timeout(10):
            assert [type(await future) for future in waiting] == [StoreAway] * 3
        server.start()
        await until(lambda: pipeline.up)
        assert await pipeline.call("PING") == b"PONG"


async def test_what_is_owed_is_bounded(redis_url: str) -> None:
    async with opened(redis_url, max_pending=3) as pipeline:
        futures = [pipeline.send("PING") for _ in range(3)]
        with pytest.raises(StoreAway):
            pipeline.send("PING")
        assert [await future for future in futures] == [b"PONG"] * 3
        assert await pipeline.call("PING") == b"PONG"


async def test_a_missing_server_is_named_with_its_remedy_but_without_the_password() -> None:
    port = free_port()
    supervisor = TaskSupervisor()
    pipeline = Pipeline(f"redis://user:s3cret@127.0.0.1:{port}/0", supervisor)
    with pytest.raises(ConnectionError) as refused:
        await pipeline.open(within=0.3)
    assert f"127.0.0.1:{port}" in str(refused.value)
    assert "memory store" in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert supervisor.running == 0
    with pytest.raises(StoreAway):
        pipeline.send("PING")


async def test_it_may_start_without_a_server_and_find_it_later() -> None:
    server = RedisServer("redis")
    supervisor = TaskSupervisor()
    pipeline = Pipeline(server.url, supervisor)
    ups: list[bool] = []
    pipeline.on_up.append(lambda: ups.append(pipeline.up))
    try:
        await pipeline.open(within=0.1, required=False)
        assert not pipeline.up
        server.start()
        await until(lambda: pipeline.up)
        assert ups == [True]
    finally:
        pipeline.close()
        await supervisor.close()
        server.stop()


async def test_closing_answers_those_who_wait(redis_url: str) -> None:
    async with opened(redis_url) as pipeline:
        waiting = pipeline.send("BLPOP", "nothing", "0")
        pipeline.close()
        assert isinstance(await waiting, StoreAway)
        with pytest.raises(StoreAway):
            pipeline.send("PING")
