"""Ports and granian servers: what is taken is refused before anything starts, and `ready` means ready."""

import asyncio
import errno
import socket
from typing import Any, Protocol

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.server.embed import Server


class PortTaken(Exception):
    """A listener's port is in use, perhaps by another triplegate."""


class Serving(Protocol):
    """A server of this loop, as whoever opens and closes listeners sees it."""

    async def serve(self) -> None:
        """Serve until it was stopped and what was under way has ended."""
        ...

    def stop(self) -> None:
        """Take nothing new; what is under way may end."""
        ...


def claim_port(host: str, port: int) -> int:
    """The port, once it is known that nobody listens on it; a free one for 0. Raises PortTaken.

    granian sets SO_REUSEPORT: without this, a second instance would start and take half of the traffic.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(f"port {port} on {host} is in use, perhaps by another triplegate") from None
            raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror}") from None
        return int(probe.getsockname()[1])


def hold_port(host: str, port: int) -> socket.socket:
    """A socket that has the port (a free one for 0) and does not listen; only who asks to share it gets it too."""
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if port:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, port))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # after it: a free one is nobody else's
    except OSError:
        held.close()
        raise
    return held


def make_server(app: Any, host: str, port: int, connections: int, header_timeout: float = 10.0) -> Server:
    """A granian server in this process and loop, for one listener.

    `header_timeout` in seconds: until a whole head has come, which is also how long a kept connection may be idle.
    HTTP/1.1 only: where granian tells HTTP/2 by its preface, it waits for the first byte without a bound, and so many
    silent connections as it accepts would shut everybody else out. HTTP/2 comes through a front (`make_http2_server`).
    """
    return Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        backlog=max(1024, min(connections, 8192)),
        backpressure=connections,
        http1_settings=HTTP1Settings(header_read_timeout=int(header_timeout * 1000)),
        log_enabled=False,
    )


STREAMS = 100
"""Streams of one HTTP/2 connection at once."""
STREAM_WINDOW, CONNECTION_WINDOW = 64 << 10, 1 << 20
"""Bytes of request bodies that may be on their way unread."""


def make_http2_server(app: Any, host: str, port: int, connections: int, header_bytes: int = 65_536) -> Server:
    """A granian server that speaks HTTP/2 only, to be put behind a front: it bounds neither silence nor idleness."""
    return Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http2,
        backlog=max(1024, min(connections, 8192)),
        backpressure=connections,
        http2_settings=HTTP2Settings(
            initial_connection_window_size=CONNECTION_WINDOW,
            initial_stream_window_size=STREAM_WINDOW,
            max_concurrent_streams=STREAMS,
            max_headers_size=header_bytes,
            max_send_buffer_size=STREAM_WINDOW,
        ),
        log_enabled=False,
    )


async def wait_listening(host: str, port: int, within: float = 10.0) -> None:
    """Return once a connection to the port succeeds. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while True:
            try:
                _, writer = await asyncio.open_connection(reachable(host), port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            return


def reachable(host: str) -> str:
    """The address to call from this machine for what is bound to `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
