"""Where a Redis URL points, without its password, and an unopened connection to it."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

CONNECT_SECONDS = 1.0


def where(url: str) -> str:
    """Host and port (or socket path), fit for logs: never the user or the password."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    host = parts.hostname or "localhost"
    return f"[{host}]:{parts.port or 6379}" if ":" in host else f"{host}:{parts.port or 6379}"


def open_connection(url: str) -> "AbstractConnection":
    """A connection object for `url` (redis, rediss, unix), not connected yet. Raises ValueError for another URL."""
    from redis.asyncio.connection import ConnectionPool

    pool = ConnectionPool.from_url(
        url,
        protocol=2,
        driver_info=None,
        socket_timeout=None,
        socket_connect_timeout=CONNECT_SECONDS,
        max_connections=1,
    )
    connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
    return connection
