"""A model call as the gate reads it, whatever the endpoint."""

from collections.abc import Callable
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.usage import Usage
from triplegate.gates.llm.forms import Form
from triplegate.wire.codec import ClientCodec, Relay
from triplegate.wire.neutral import Request


class Endpoint(msgspec.Struct, frozen=True, eq=False):
    """One endpoint of one dialect: how a call is read and edited, and how its reply is understood."""

    operation: str
    """chat, embeddings: OpenTelemetry's gen_ai.operation.name."""
    path: bytes
    """Below our base path, and below the base URL of a provider that gets the bytes as they came."""
    family: str
    """The dialect; a provider of the same family gets the client's bytes."""
    look: Callable[[bytes], Any]
    edit: Callable[..., bytes]
    """(look, model=…, include_usage=…) → body; every other byte as it came."""
    usage: Callable[[bytes], Usage | None]
    """Usage of a whole reply."""
    relay: Callable[[bool], Relay] | None = None
    """(strip_usage) → a look at a stream from the side; None = never streamed."""
    codec: ClientCodec | None = None
    """How it is translated for providers of other dialects; None = it is not."""
    form: bool = False
    """Its calls are forms of files (multipart/form-data)."""
    any_reply: bool = False
    """Its answers may be other than JSON: they pass as they come."""
    free: bool = False
    """Its calls are not paid for."""
    once: bool = False
    """An answer is paid for whatever becomes of it: once there is one, nobody else is asked."""
    asked: Callable[[Any], Usage] | None = None
    """What a call uses as far as the call itself tells, where its answer may not say."""
    generates: bool = False
    """A model writes its answer: output tokens are reserved and estimated. Known by itself."""

    def __post_init__(self) -> None:
        """What is translated was written by a model."""
        msgspec.structs.force_setattr(self, "generates", self.codec is not None)


def endpoint_of(codec: ClientCodec, operation: str, path: bytes) -> Endpoint:
    """The endpoint that a whole dialect has."""
    return Endpoint(operation, path, codec.family, codec.look, codec.edit, codec.whole_usage, codec.relay, codec)


class LlmCall(msgspec.Struct, eq=False):
    """A read call: its bytes are never changed, only edited or translated into new ones for an attempt."""

    endpoint: Endpoint
    look: Any
    """A `Look`, or the `Form`."""
    model: str
    streamed: bool
    wants_usage: bool
    """The client itself asked for the usage chunk."""
    size: int
    """Bytes of the request body."""
    most_output: int
    """Bound of output tokens the client set; 0 = none."""
    raw_tokens: float = 0.0
    """Input tokens by its bytes; 0 = nobody asked yet."""
    exact_tokens: int = 0
    """The same, counted with its vendor's own vocabulary; 0 = not counted."""
    pin: str = ""
    """The quota group that holds what the call builds on; empty = any may answer."""
    rewritten: bool = False
    """A policy changed what is asked: the neutral form counts, not the client's bytes."""
    loop: Any = None
    """What it is answered by, where it brings MCP servers as tools (a `Loop`)."""
    prompt: str = ""
    """The prompt that it asked for by name, as name@version."""
    _request: Request | None = None

    def rewrite(self, request: Request) -> None:
        """Ask this instead of what the client's bytes say."""
        self._request, self.rewritten = request, True

    def request(self) -> Request:
        """The whole call in neutral form, read once, when the first provider of another dialect is tried.

        Raises Refusal invalid_body, unsupported_endpoint.
        """
        if self._request is None:
            codec = self.endpoint.codec
            if codec is None:
                raise Refusal(
                    "unsupported_endpoint",
                    f"{self.endpoint.path.decode('ascii')} is not served by the provider of the model {self.model}.",
                )
            self._request = codec.read_request(self.look.text)
        return self._request


def form_call(endpoint: Endpoint, form: Form) -> LlmCall:
    """The call that a form is."""
    size = len(form.text) if form.length is None else form.length
    return LlmCall(endpoint, form, form.model, streamed=False, wants_usage=True, size=size, most_output=0)


def read_call(endpoint: Endpoint, text: bytes) -> LlmCall:
    """The call that `text` is. Raises Refusal invalid_body."""
    look = endpoint.look(text)
    if not endpoint.generates:
        streamed = endpoint.relay is not None and not endpoint.any_reply and look.stream
        return LlmCall(endpoint, look, look.model, streamed, wants_usage=True, size=len(text), most_output=0)
    most = (look.max_tokens or 0) * look.n
    return LlmCall(endpoint, look, look.model, look.stream, look.include_usage, len(text), most)
