"""Resolve a name and race its addresses (RFC 8305) for a TCP or TLS connection, within one timeout."""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from triplegate.upstreams import failures
from triplegate.upstreams.origin import Origin

P = TypeVar("P", bound=asyncio.Protocol)

_STAGGER = 0.25  # RFC 8305 §5: connection attempt delay
_MOST_ADDRESSES = 8


class Address(msgspec.Struct, frozen=True, gc=False):
    """One place to connect to."""

    family: int
    sockaddr: tuple[Any, ...]


class Resolver:
    """Addresses by name, remembered; a name that cannot be resolved any more keeps its last addresses (F-27)."""

    __slots__ = ("_known", "_now", "_ttl")

    def __init__(self, ttl: float = 30.0, now: Callable[[], float] = time.monotonic) -> None:
        self._known: dict[tuple[str, int], tuple[float, tuple[Address, ...]]] = {}
        self._ttl = ttl
        self._now = now

    async def addresses(self, host: str, port: int) -> tuple[Address, ...]:
        """Addresses, families in turn. Raises OSError when there are none and never were."""
        literal = _literal(host, port)
        if literal is not None:
            return (literal,)
        found = self._known.get((host, port))
        if found is not None and found[0] > self._now():
            return found[1]
        try:
            fresh = await self._resolve(host, port)
        except OSError:
            if found is None:
                raise
            fresh = found[1]
        if len(self._known) >= 1024:
            self._known.pop(next(iter(self._known)))
        self._known[(host, port)] = (self._now() + self._ttl, fresh)
        return fresh

    async def _resolve(self, host: str, port: int) -> tuple[Address, ...]:
        loop = asyncio.get_running_loop()
        try:
            rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise OSError(f"{host!r} is not a host name") from error
        return interleave([Address(row[0], tuple(row[4])) for row in rows])


def _literal(host: str, port: int) -> Address | None:
    if not (host[-1:].isdigit() or ":" in host):
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if address.version == 4:
        return Address(socket.AF_INET, (str(address), port))
    return Address(socket.AF_INET6, (str(address), port, 0, 0))


def interleave(addresses: list[Address]) -> tuple[Address, ...]:
    """Families in turn, the resolver's first one first; a bounded number (RFC 8305 §4)."""
    if not addresses:
        raise OSError("no addresses")
    first = addresses[0].family
    ours = [address for address in addresses if address.family == first]
    others = [address for address in addresses if address.family != first]
    mixed: list[Address] = []
    while ours or others:
        for queue in (ours, others):
            if queue:
                mixed.append(queue.pop(0))
    return tuple(mixed[:_MOST_ADDRESSES])


async def connect(
    origin: Origin,
    resolver: Resolver,
    make: Callable[[], P],
    *,
    tls: ssl.SSLContext | None,
    sni: str | None,
    timeout: float,  # noqa: ASYNC109 - one bound over name, race and handshake
) -> P:
    """A connected protocol. Raises Refusal upstream_unreachable or upstream_timeout (connect)."""
    try:
        async with asyncio.timeout(timeout):
            addresses = await resolver.addresses(origin.host, origin.port)
            sock = await _race(addresses)
            return await _adopt(sock, make, tls, sni or origin.host)
    except TimeoutError:
        raise failures.timed_out(str(origin), "connect") from None
    except OSError as error:
        raise failures.unreachable(str(origin), error) from error


async def _race(addresses: tuple[Address, ...]) -> socket.socket:
    """The first socket that connects; a failed attempt starts the next one at once, a slow one after a moment."""
    if len(addresses) == 1:
        return await _dial(addresses[0])
    loop = asyncio.get_running_loop()
    dials: list[asyncio.Task[socket.socket]] = []
    winner: socket.socket | None = None
    try:
        for address in addresses:
            dials.append(loop.create_task(_dial(address)))
            winner = await _first(dials, _STAGGER)
            if winner is not None:
                return winner
        while any(not dial.done() for dial in dials):
            winner = await _first(dials, None)
            if winner is not None:
                return winner
        raise next(error for dial in dials if (error := dial.exception()) is not None)
    finally:
        for dial in dials:
            dial.cancel()
        for late in await asyncio.gather(*dials, return_exceptions=True):
            if isinstance(late, socket.socket) and late is not winner:
                late.close()


async def _first(dials: list[asyncio.Task[socket.socket]], seconds: float | None) -> socket.socket | None:
    """The socket of a dial that has succeeded; None as soon as one more has failed, or after `seconds`."""
    pending = [dial for dial in dials if not dial.done()]
    done, _ = await asyncio.wait(pending, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    return next((dial.result() for dial in done if dial.exception() is None), None)


async def _dial(address: Address) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        _tune(sock)
        await asyncio.get_running_loop().sock_connect(sock, address.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


def _tune(sock: socket.socket) -> None:
    """A peer that has vanished is noticed by the kernel too (F-4)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 30_000)):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


async def _adopt(sock: socket.socket, make: Callable[[], P], tls: ssl.SSLContext | None, name: str) -> P:
    loop = asyncio.get_running_loop()
    try:
        _, protocol = await loop.create_connection(
            make, sock=sock, ssl=tls, server_hostname=name if tls is not None else None
        )
    except BaseException:
        sock.close()
        raise
    return protocol
