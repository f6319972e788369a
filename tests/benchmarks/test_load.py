"""The load client: counts only right answers, reports every wrong one, and keeps its rate."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httptools
import pytest
from benchmarks.load import Load, quantile
from benchmarks.mock import ITEMS, Mock, answer
from benchmarks.works import REST, WORKS
from tests.servers.spawn import free_port


class Canned(asyncio.Protocol):
    """Answers every request with the next of the given bytes; None closes the connection."""

    def __init__(self, choose: Callable[[], bytes | None], delay: float = 0.0) -> None:
        self.choose, self.delay = choose, delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        asyncio.get_running_loop().call_later(self.delay, self.reply)

    def reply(self) -> None:
        content = self.choose()
        if content is None:
            self.transport.abort()
        else:
            self.transport.write(content)


@asynccontextmanager
async def serving(make: Callable[[], Canned | Mock]) -> AsyncIterator[str]:
    made: list[Canned | Mock] = []

    def remember() -> asyncio.Protocol:
        made.append(make())
        return made[-1]

    server = await asyncio.get_running_loop().create_server(remember, "127.0.0.1", free_port())
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for _ in range(3):  # the loop's own turns in which connections begin
            await asyncio.sleep(0)
        for protocol in made:
            protocol.transport.abort()
        for _ in range(3):  # and end
            await asyncio.sleep(0)
        await server.wait_closed()


async def measure(name: str, url: str, connections: int, rate: float = 0.0, seconds: float = 0.2) -> dict[str, object]:
    work = WORKS[name]._replace(connections=connections, rate=rate)
    load = Load(work, url, [], "echo", None, 0)
    return await load.run(seconds, 0.05, rate)


@pytest.fixture(autouse=True)
def garbage_collection_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.load.gc.disable", lambda: None)
    monkeypatch.setattr("benchmarks.load.gc.freeze", lambda: None)


@pytest.mark.parametrize("name", ["rest", "chat", "stream", "mcp"])
async def test_right_answers_are_counted_without_errors(name: str) -> None:
    async with serving(Mock) as url:
        found = await measure(name, url, 4, seconds=0.3)
    assert found["errors"] == 0
    assert isinstance(found["answers"], int)
    assert found["answers"] > 0


async def test_a_paced_stream_tells_how_long_each_token_was_under_way() -> None:
    async with serving(Mock) as url:
        found = await measure("stream_paced", url, 2, seconds=0.7)
    assert found["errors"] == 0
    assert found["event_p50_ms"] is not None
    assert found["first_byte_p50_ms"] is not None


@pytest.mark.parametrize(
    "bad",
    [
        answer(REST.replace(b"SKU-0003", b"SKU-0004")),
        answer(REST[:-1] + b" "),
        answer(b"{}"),
        answer(REST, "502 Bad Gateway"),
        b"no http\r\n\r\n",
        None,
    ],
)
async def test_one_wrong_answer_among_right_ones_is_an_error(bad: bytes | None) -> None:
    seen = 0

    def choose() -> bytes | None:
        nonlocal seen
        seen += 1
        return bad if seen == 5 else ITEMS

    async with serving(lambda: Canned(choose)) as url:
        found = await measure("rest", url, 2)
    assert found["errors"] == 1


async def test_a_wrong_answer_during_warm_up_voids_the_run_too() -> None:
    seen = 0

    def choose() -> bytes:
        nonlocal seen
        seen += 1
        return answer(b"early", "503 Service Unavailable") if seen == 1 else ITEMS

    async with serving(lambda: Canned(choose)) as url:
        found = await measure("rest", url, 1)
    assert found["errors"] == 1


async def test_a_server_that_closes_after_each_answer_is_no_error() -> None:
    closing = answer(REST, more="Connection: close\r\n")

    class Closing(Canned):
        def reply(self) -> None:
            super().reply()
            self.transport.close()

    async with serving(lambda: Closing(lambda: closing)) as url:
        found = await measure("rest", url, 2)
    assert found["errors"] == 0


async def test_waiting_for_a_free_connection_counts_at_a_fixed_rate() -> None:
    async with serving(lambda: Canned(lambda: ITEMS, delay=0.05)) as url:
        found = await measure("rest", url, 1, rate=100, seconds=0.5)
    assert isinstance(found["p99_ms"], float)
    assert found["p99_ms"] > 100, "one connection at 20 calls a second falls behind 100 a second, and that must show"
    assert isinstance(found["unsent"], int)
    assert found["unsent"] > 0


def test_quantiles_are_in_milliseconds() -> None:
    values = [number / 1000 for number in range(1, 101)]
    assert quantile(values, 0.5) == 51.0
    assert quantile(values, 0.99) == 100.0
    assert quantile([], 0.5) is None
