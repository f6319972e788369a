"""A gRPC service without generated code: messages are bytes, all four kinds of calls, and what tests want to see."""

import argparse
import asyncio
import signal
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import grpc  # type: ignore[import-untyped]
import grpc.aio  # type: ignore[import-untyped]
import msgspec

from triplegate.samples.child import tell
from triplegate.samples.parent import die_with_parent

SERVICE = "triplegate.samples.v1.Echo"
INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
"""Metadata that comes back as initial and as trailing metadata, as in gRPC's interoperability tests."""
_SERVING = b"\x08\x01"
"""A HealthCheckResponse whose status is SERVING."""
Method = Callable[[Any, dict[str, Any]], Awaitable[None]]


class Echo:
    """The service; a generic handler of grpc.aio."""

    def __init__(self) -> None:
        self.active: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.cancelled: Counter[str] = Counter()
        self.health: bytes | None = _SERVING
        self.questions: deque[bytes] = deque(maxlen=16)
        """What `Check` was asked of late."""
        self._methods: dict[str, Method] = {
            f"/{SERVICE}/Echo": self.echo,
            f"/{SERVICE}/Count": self.count,
            f"/{SERVICE}/Collect": self.collect,
            f"/{SERVICE}/Chat": self.chat,
            f"/{SERVICE}/Fail": self.fail,
            f"/{SERVICE}/Wait": self.wait,
            f"/{SERVICE}/Seen": self.seen,
            f"/{SERVICE}/State": self.state,
            "/grpc.health.v1.Health/Check": self.check,
        }

    def service(self, details: Any) -> Any:
        """The handler of a method; None: unimplemented."""
        method = self._methods.get(details.method)
        if method is None:
            return None
        name = details.method.rpartition("/")[2]

        async def handle(requests: Any, call: Any) -> None:
            await self._counted(name, method, call)

        return grpc.stream_stream_rpc_method_handler(handle)

    async def _counted(self, name: str, method: Method, call: Any) -> None:
        metadata = dict(call.invocation_metadata() or ())
        self.active[name] += 1
        try:
            if INITIAL in metadata:
                await call.send_initial_metadata(((INITIAL, metadata[INITIAL]),))
            if TRAILING in metadata:
                call.set_trailing_metadata(((TRAILING, metadata[TRAILING]),))
            await method(call, metadata)
            self.ended[name] += 1
        except grpc.aio.AbortError:
            self.ended[name] += 1
            raise
        except BaseException:  # also what a write says to a caller that has left
            self.cancelled[name] += 1
            raise
        finally:
            self.active[name] -= 1

    async def echo(self, call: Any, metadata: dict[str, Any]) -> None:
        """Unary: the message comes back."""
        await call.write(await call.read())

    async def count(self, call: Any, metadata: dict[str, Any]) -> None:
        """Server stream: as many numbers as the message says, `x-interval` seconds apart; 0: without end."""
        wanted = int(await call.read() or b"0")
        number = 0
        while not wanted or number < wanted:
            number += 1
            await call.write(b"%d" % number)
            await asyncio.sleep(float(metadata.get("x-interval", 0)))

    async def collect(self, call: Any, metadata: dict[str, Any]) -> None:
        """Client stream: how many messages, and how many bytes."""
        messages = size = 0
        async for message in _messages(call):
            messages += 1
            size += len(message)
        await call.write(b"%d %d" % (messages, size))

    async def chat(self, call: Any, metadata: dict[str, Any]) -> None:
        """Both ways: each message comes back at once."""
        async for message in _messages(call):
            await call.write(message)

    async def fail(self, call: Any, metadata: dict[str, Any]) -> None:
        """The status of `x-status` with `x-message` and `x-details-bin`, after `x-messages` numbers."""
        for number in range(int(metadata.get("x-messages", 0))):
            await call.write(b"%d" % number)
        statuses = {one.value[0]: one for one in grpc.StatusCode}
        details = metadata.get("x-details-bin")
        trailers = () if details is None else (("grpc-status-details-bin", details),)
        status = statuses[int(metadata.get("x-status", 2))]
        await call.abort(status, metadata.get("x-message", "failed as asked"), trailers)

    async def wait(self, call: Any, metadata: dict[str, Any]) -> None:
        """One message, then nothing until the call is cancelled."""
        await call.write(b"waiting")
        await asyncio.Event().wait()

    async def seen(self, call: Any, metadata: dict[str, Any]) -> None:
        """What arrived: metadata and the time that is left."""
        entries = [(key, value if isinstance(value, str) else value.hex()) for key, value in call.invocation_metadata()]
        await call.write(msgspec.json.encode({"metadata": entries, "left": call.time_remaining()}))

    async def state(self, call: Any, metadata: dict[str, Any]) -> None:
        """Calls under way, ended and cancelled, by method."""
        counts = {"active": self.active, "ended": self.ended, "cancelled": self.cancelled}
        await call.write(msgspec.json.encode({name: dict(count) for name, count in counts.items()}))

    async def check(self, call: Any, metadata: dict[str, Any]) -> None:
        """grpc.health.v1: it serves, or what a test has it say; None: unimplemented, nothing: no answer."""
        self.questions.append(await call.read())
        if self.health is None:
            await call.abort(grpc.StatusCode.UNIMPLEMENTED, "no health")
        if not self.health:
            await asyncio.Event().wait()
        await call.write(self.health)


async def _messages(call: Any) -> AsyncIterator[bytes]:
    """A client's messages; that it left instead of ending them shows a moment after what looks like the end."""
    while (message := await call.read()) is not grpc.aio.EOF:
        yield message
    await asyncio.sleep(0.02)


async def serve(port: int) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT; the port goes to standard output once it listens."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 64 << 20)])
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    tell({"grpc": port})
    await stop.wait()
    await server.stop(0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; 1 when the port is taken."""
    parser = argparse.ArgumentParser(prog="triplegate.samples.grpc_echo", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--parent", type=int, help="end when this process does (it must be the parent)")
    options = parser.parse_args(argv)
    if options.parent is not None:
        die_with_parent(options.parent)
    try:
        asyncio.run(serve(options.port))
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
