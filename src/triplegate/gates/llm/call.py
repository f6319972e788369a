"""A model call as the gate reads it, whatever the endpoint."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from triplegate.core.usage import Usage


class Parsed(Protocol):
    """What a codec's look at a request brings."""

    @property
    def model(self) -> str:
        """The name the client asks for."""
        ...

    @property
    def end_user(self) -> str | None:
        """The label of the client's own user."""
        ...


class Dialect(msgspec.Struct, frozen=True, eq=False):
    """One endpoint of one dialect: how a call is read and edited, and how its reply is understood."""

    operation: str
    """chat, embeddings: OpenTelemetry's gen_ai.operation.name."""
    path: bytes
    """Below the provider's base URL."""
    read: Callable[[bytes], Any]
    edit: Callable[[Any, str, bool], bytes]
    """(call, model at the provider, ask for usage in the stream) → body; every other byte as it came."""
    usage: Callable[[bytes], Usage | None]
    """Usage of a whole reply."""
    streams: bool = False


class LlmCall(msgspec.Struct, frozen=True, eq=False):
    """A read call: its bytes are never changed, only edited into new ones for an attempt."""

    dialect: Dialect
    model: str
    parsed: Any
    streamed: bool
    wants_usage: bool
    """The client itself asked for the usage chunk."""
    size: int
    """Bytes of the request body."""
    most_output: int
    """Bound of output tokens the client set; 0 = none."""
