"""HTTP/2 channels to gRPC endpoints: one each, kept over reloads, closed when nobody calls through them any more."""

import asyncio
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from triplegate.config.documents_base import Tls
from triplegate.config.environment import quieten
from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.core.ports import Kit, Supervisor
from triplegate.upstreams import failures
from triplegate.upstreams.origin import Origin, parse
from triplegate.upstreams.reach import tls_settings
from triplegate.upstreams.tls import TlsSettings, identity, verifying
from triplegate.wire.grpc import Metadata, from_metadata

_METADATA = 64 << 10  # most bytes of a reply's metadata


def load_grpc() -> Any:
    """The library, loaded at the first need of it; it tells of errors only, unless GRPC_VERBOSITY says otherwise."""
    quieten("GRPC_VERBOSITY", "ERROR")
    import grpc  # type: ignore[import-untyped]
    import grpc.aio  # type: ignore[import-untyped]

    return grpc


class ChannelSettings(msgspec.Struct, frozen=True):
    """How an endpoint is reached; another one is another channel."""

    max_message: int = 10 << 20
    """Bytes of a message, either way."""
    keepalive: float = 60.0
    """Seconds between two pings while calls are under way; 0: none."""
    authority: str = ""
    """Name to send as `:authority`; empty: the address."""
    verified: str = ""
    """Name that the certificate must have; empty: the address's host."""

    def options(self) -> list[tuple[str, Any]]:
        """Channel arguments: no proxy, nothing shared between channels, soon there again after a failure."""
        found: list[tuple[str, Any]] = [
            ("grpc.max_receive_message_length", self.max_message),
            ("grpc.max_send_message_length", self.max_message),
            ("grpc.absolute_max_metadata_size", _METADATA),
            ("grpc.primary_user_agent", "triplegate"),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_http_proxy", 0),
            ("grpc.service_config_disable_resolution", 1),
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.min_reconnect_backoff_ms", 200),
            ("grpc.max_reconnect_backoff_ms", 5000),
        ]
        if self.keepalive:
            found.append(("grpc.keepalive_time_ms", max(1000, int(self.keepalive * 1000))))
            found.append(("grpc.keepalive_timeout_ms", 20_000))
        if self.authority:
            found.append(("grpc.default_authority", self.authority))
        if self.verified:
            found.append(("grpc.ssl_target_name_override", self.verified))
        return found


class Status(msgspec.Struct, frozen=True):
    """How a call ended."""

    code: int
    message: str = ""
    trailers: Headers = []


class GrpcChannel:
    """The channel to one endpoint. Made without a loop; it connects at the first call, and again when it must."""

    __slots__ = (
        "_channel",
        "_credentials",
        "_settings",
        "_supervisor",
        "active",
        "failing",
        "grpc",
        "origin",
        "retired",
    )

    def __init__(
        self, origin: Origin, settings: ChannelSettings, supervisor: Supervisor, credentials: Any = None
    ) -> None:
        self.origin = origin
        self.active = 0
        """Calls under way."""
        self.failing = ""
        """Why the last try to connect failed; empty once one succeeded."""
        self.retired = False
        self.grpc = load_grpc()
        """The library, which is loaded only where there is a channel."""
        self._settings, self._supervisor, self._credentials = settings, supervisor, credentials
        self._channel: Any = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        ready = self.grpc.ChannelConnectivity.READY
        return self._channel is not None and self._channel.get_state() is ready

    async def ready(self, within: float) -> None:
        """Return once there is a connection: nothing was sent so far. Raises Refusal upstream_unreachable."""
        channel = self._channel or self._open()
        if channel.get_state(try_to_connect=True) is self.grpc.ChannelConnectivity.READY:
            self.failing = ""
            return
        self.active += 1  # nobody closes it meanwhile
        try:
            async with asyncio.timeout(within):
                await self._connect(channel)
        except TimeoutError:
            raise self._unreachable(f"no connection in {within:.3g} s") from None
        finally:
            self.ended()
        self.failing = ""

    async def _connect(self, channel: Any) -> None:
        states = self.grpc.ChannelConnectivity
        while (state := channel.get_state(try_to_connect=True)) is not states.READY:
            if state is states.TRANSIENT_FAILURE or state is states.SHUTDOWN:
                raise self._unreachable("no connection")
            await channel.wait_for_state_change(state)

    def _unreachable(self, why: str) -> Refusal:
        self.failing = why
        return failures.unreachable(str(self.origin), why)

    def _open(self) -> Any:
        if self.retired:
            raise self._unreachable("the channel is closed")
        host = f"[{self.origin.host}]" if ":" in self.origin.host else self.origin.host
        target, options = f"{host}:{self.origin.port}", self._settings.options()
        aio = self.grpc.aio
        if self._credentials is None:
            self._channel = aio.insecure_channel(target, options)
        else:
            self._channel = aio.secure_channel(target, self._credentials, options)
        return self._channel

    def call(self, method: str, metadata: Metadata, timeout: float, waits: "Waits") -> "Call":
        """Begin a call whose requests are written one by one. Raises Refusal upstream_unreachable."""
        begun = self._standing().stream_stream(method)(timeout=timeout, metadata=metadata)
        return Call(self, begun, waits)

    def ask(self, method: str, message: bytes, metadata: Metadata, timeout: float, waits: "Waits") -> "Call":
        """Begin a call of one request, which goes out at once. Raises Refusal upstream_unreachable."""
        begun = self._standing().unary_stream(method)(message, timeout=timeout, metadata=metadata)
        return Call(self, begun, waits)

    def _standing(self) -> Any:
        if self._channel is None:
            raise self._unreachable("the channel is closed")
        return self._channel

    def ended(self) -> None:
        """One of its calls is over."""
        self.active -= 1
        if self.retired and not self.active:
            self._close()

    def retire(self) -> None:
        """No snapshot knows it any more: close it with the last of its calls."""
        self.retired = True
        if not self.active:
            self._close()

    def _close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            with suppress(Refusal):  # no room for the task: it closes when it is collected
                self._supervisor.spawn(channel.close(), "gRPC channel")

    async def close(self) -> None:
        """End it with all of its calls."""
        self.retired = True
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()


class Waits(msgspec.Struct, frozen=True, gc=False):
    """How long nothing may come from either side of a call. Seconds."""

    first: float
    """Until the upstream's first word."""
    idle: float
    """After it."""


class Call:
    """One call at an endpoint: messages out and in, and the status it ended with."""

    __slots__ = ("_call", "_channel", "_headed", "_loop", "_moved", "_refusal", "_timer", "_wait", "_waits", "status")

    def __init__(self, channel: GrpcChannel, call: Any, waits: Waits) -> None:
        self._channel, self._call, self._waits = channel, call, waits
        self._refusal: Refusal | None = None
        self._loop = asyncio.get_running_loop()
        self._headed = False
        self._moved, self._wait = self._loop.time(), waits.first
        self._timer = self._loop.call_later(waits.first, self._look)
        self.status: Status | None = None
        """The first one that came: a later one would be grpc.aio's own."""
        channel.active += 1
        call.add_done_callback(self._ended)

    def _ended(self, call: Any) -> None:
        if self.status is None:
            self._timer.cancel()
            trailers = from_metadata(now(call.trailing_metadata()))
            self.status = Status(now(call.code()).value[0], now(call.details()) or "", trailers)
            self._channel.ended()

    def _look(self) -> None:
        """Whether anything moved since; one timer a call, not one a message."""
        left = self._moved + self._wait - self._loop.time()
        if left > 0.001:
            self._timer = self._loop.call_later(left, self._look)
            return
        phase = "idle" if self._headed else "first byte"
        self._refusal = failures.timed_out(str(self._channel.origin), phase)
        self._call.cancel()

    async def head(self) -> Headers:
        """Initial metadata, once it has come; empty when the call ended without. Raises Refusal upstream_timeout."""
        try:
            metadata = await self._call.initial_metadata()
        except asyncio.CancelledError:
            self._tell()
            raise
        self._tell()
        if self.status is None:
            self._headed, self._moved, self._wait = True, self._loop.time(), self._waits.idle
            self._timer.cancel()
            self._timer = self._loop.call_later(self._wait, self._look)
        return from_metadata(metadata)

    def _tell(self) -> None:
        """Why it was cancelled from here, when that was the reason."""
        if self._refusal is not None:
            raise self._refusal

    async def read(self) -> bytes | None:
        """The next message; None at the end, when `status` is known. Raises Refusal upstream_timeout."""
        aio = self._channel.grpc.aio
        try:
            message = await self._call.read()
            if message is not aio.EOF:
                self._moved = self._loop.time()
                return message  # type: ignore[no-any-return]
            await self._call.code()
        except aio.AioRpcError:
            pass
        except asyncio.CancelledError:
            self._tell()
            raise
        return None

    async def write(self, message: bytes) -> bool:
        """Send a request; False when the call is over and takes no more.

        By way of the call beneath: grpc.aio's own `write` makes every failed one the call's status, INTERNAL, even
        where the upstream has already refused with another that is only not read yet.
        """
        try:
            await self._call.wait_for_connection()
            await self._call._cython_call.send_serialized_message(message)  # noqa: SLF001 - see above
        except Exception:  # noqa: BLE001 - whatever it is, `read` knows how the call ended
            return False
        self._moved = self._loop.time()
        return True

    async def done_writing(self) -> None:
        """No more requests."""
        await self._call.done_writing()

    def close(self) -> None:
        """Cancel it, if it is not over."""
        self._call.cancel()


def now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What an async accessor of a finished call returns: it does not wait any more."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    raise RuntimeError("the call is not over")


class Unusable(GrpcChannel):
    """Stands where certificate files cannot be used: each call is refused, the rest of the gateway serves on."""

    __slots__ = ("_reason",)

    def __init__(self, origin: Origin, supervisor: Supervisor, reason: str) -> None:
        super().__init__(origin, ChannelSettings(), supervisor)
        self._reason = reason

    async def ready(self, within: float) -> None:
        """Raises Refusal no_backend."""
        raise Refusal("no_backend", "The upstream's TLS settings cannot be used.", reason=self._reason)


def channel_to(url: str, tls: Tls | None, settings: ChannelSettings, kit: Kit) -> GrpcChannel:
    """The channel to `url`: one per origin, TLS identity and settings, whatever number of services name it.

    Unusable certificate files do not refuse the configuration: calls there are refused, and the snapshot says so.
    """
    origin, _ = parse(url)
    credentials: Any = None
    if origin.scheme == "https":
        try:
            files = tls_settings(tls, kit)
            origin = msgspec.structs.replace(origin, tls=identity(files))
            credentials = _credentials(files)
        except (OSError, ValueError) as error:
            kit.faults.append(f"{url}: {error}")
            return Unusable(origin, kit.supervisor, str(error))
        settings = msgspec.structs.replace(settings, verified=files.sni or "")

    def make() -> GrpcChannel:
        return GrpcChannel(origin, settings, kit.supervisor, credentials)

    return kit.state(GrpcChannel, f"{origin.key}|{settings}", make)


def _credentials(tls: TlsSettings) -> Any:
    """Channel credentials; the files are checked here, because gRPC would only never connect. Raises OSError."""
    checked = verifying(tls)
    if tls.certificate is not None:
        checked.load_cert_chain(tls.certificate, tls.key)
    roots = tls.ca or ssl.get_default_verify_paths().cafile
    return load_grpc().ssl_channel_credentials(
        roots.encode() if tls.held and roots is not None else _file(roots),
        _file(tls.key or tls.certificate),
        _file(tls.certificate),
    )


def _file(name: str | None) -> bytes | None:
    return None if name is None else Path(name).read_bytes()
