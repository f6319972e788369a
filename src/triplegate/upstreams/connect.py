"""Race the addresses of a name (RFC 8305) for a TCP or TLS connection, within one timeout."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from itertools import takewhile
from typing import TypeVar

from triplegate.upstreams import failures
from triplegate.upstreams.lookups import Address
from triplegate.upstreams.origin import Origin
from triplegate.upstreams.resolve import Load, Resolver
from triplegate.upstreams.tls import bears_one_of

P = TypeVar("P", bound=asyncio.Protocol)

_STAGGER = 0.25  # RFC 8305 §5: connection attempt delay


async def connect(
    origin: Origin,
    resolver: Resolver,
    make: Callable[[], P],
    *,
    tls: ssl.SSLContext | None,
    sni: str | None,
    timeout: float,  # noqa: ASYNC109 - one bound over name, race and handshake
    load: Load | None = None,
    san: tuple[str, ...] = (),
) -> P:
    """A connected protocol. Raises Refusal upstream_unreachable or upstream_timeout (connect)."""
    try:
        async with asyncio.timeout(timeout):
            addresses = await resolver.addresses(origin.host, origin.port, load)
            sock = await _race(addresses)
            if len(addresses) > 1:
                resolver.doubt(origin.host, origin.port, _before(addresses, sock))
            return await _adopt(sock, make, tls, sni or origin.host, san)
    except TimeoutError:
        raise failures.timed_out(str(origin), "connect") from None
    except OSError as error:
        raise failures.unreachable(str(origin), error) from error


def _before(addresses: tuple[Address, ...], sock: socket.socket) -> list[Address]:
    """Those that were asked before the one that answered."""
    answered = sock.getpeername()[:2]
    return list(takewhile(lambda address: address.sockaddr[:2] != answered, addresses))


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
        await _connected(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def _connected(sock: socket.socket, address: Address) -> None:
    """Not by the loop's `sock_connect`: uvloop's looks an address up, too, behind all names that hang."""
    with contextlib.suppress(BlockingIOError):
        sock.connect(address.sockaddr)
        return
    loop = asyncio.get_running_loop()
    writable = asyncio.Event()
    loop.add_writer(sock, writable.set)
    try:
        await writable.wait()
    finally:
        loop.remove_writer(sock)
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise OSError(number, os.strerror(number))


def _tune(sock: socket.socket) -> None:
    """A peer that has vanished is noticed by the kernel too (F-4)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 30_000)):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


async def _adopt(
    sock: socket.socket, make: Callable[[], P], tls: ssl.SSLContext | None, name: str, san: tuple[str, ...]
) -> P:
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.create_connection(
            make, sock=sock, ssl=tls, server_hostname=name if tls is not None else None
        )
    except BaseException:
        sock.close()
        raise
    if san and not bears_one_of(transport.get_extra_info("peercert") or {}, san):
        transport.abort()
        raise ssl.SSLCertVerificationError(f"the certificate bears none of {', '.join(san)}")
    return protocol
