"""Documents of WebSocket: whether a service takes part, and the bounds of its channels."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from triplegate.config.documents_base import Document
from triplegate.config.types import Pause, Size, Worded
from triplegate.core.duration import Duration

WebOrigin = Annotated[
    str, Worded(r"https?://[a-z0-9.\[\]:-]+", "an origin such as https://app.example.com", longest=300, lower=True)
]
"""Scheme, host and port as browsers send them in Origin."""

Origin = Annotated[
    str,
    Worded(r"\*|[a-z][a-z0-9+.-]*://[^/\s?#@]+/?", "* or an origin: https://app.example.com", longest=512, lower=True),
]
"""A browser's origin (RFC 6454 §6.1): scheme, host, port where it is not the scheme's."""


class WebSocketOptions(Document):
    """Bounds of a service's WebSockets."""

    idle: Duration = 300.0
    """Longest time without a message either way; then both sides get 1001."""
    max_message: Annotated[Size, Field(ge=1, le=64 << 20)] = 1 << 20
    """Largest message, either way; a larger one ends with 1009."""
    ping: Pause = 30.0
    """Silence after which the service is pinged; it has as long again to answer. 0 = never."""
    origins: Annotated[tuple[WebOrigin, ...], Field(max_length=64)] = ()
    """Web pages that may open one, by their origin; none = all. Who sends no Origin is no browser and may."""


class RealtimeOptions(Document):
    """Bounds of connections to `/realtime`."""

    idle: Duration = 300.0
    """Longest time without a message either way; then both sides get 1001."""
    max_message: Annotated[Size, Field(ge=1, le=64 << 20)] = 10 << 20
    """Largest message, either way; a larger one ends with 1009."""
    ping: Pause = 30.0
    """Silence after which the provider is pinged; it has as long again to answer. 0 = never."""
    allowed_origins: Annotated[tuple[Origin, ...], Field(max_length=64)] = ()
    """Web pages that may open one, by their origin, * for any; none = pages from loopback."""


def _said(value: Any) -> Any:
    return {} if value is True else None if value is False else value


Upgradable = Annotated[
    WebSocketOptions | None, BeforeValidator(_said, json_schema_input_type=bool | WebSocketOptions | None)
]
"""`true` stands for the defaults."""
