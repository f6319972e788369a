"""What routing may know of a call: sizes at once; messages, tools and the conversation only where someone asks."""

from hashlib import blake2b
from typing import Any

import msgspec

from triplegate.core.exchange import Exchange
from triplegate.gates.llm.call import LlmCall

_BYTES_A_TOKEN = 4
_MOST_MESSAGES = 16
"""Messages of a conversation's beginning that are looked at."""
_MOST_BYTES = 64 << 10
"""Bytes of them that make its name."""


class _Body(msgspec.Struct):
    messages: list[msgspec.Raw] = []
    input: msgspec.Raw = msgspec.Raw(b"null")
    system: msgspec.Raw = msgspec.Raw(b"")
    tools: list[msgspec.Raw] = []


class _Message(msgspec.Struct):
    role: str = ""


_body = msgspec.json.Decoder(_Body).decode
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_message = msgspec.json.Decoder(_Message).decode


class Facts:
    """One call's; the body is looked at once, whoever asks."""

    __slots__ = ("_body", "_variables", "call", "exchange")

    def __init__(self, exchange: Exchange, call: LlmCall) -> None:
        self.exchange, self.call = exchange, call
        self._body: tuple[list[msgspec.Raw], int, bytes] | None = None
        self._variables: dict[str, Any] | None = None

    @property
    def tokens(self) -> int:
        """Input tokens by size."""
        return max(1, self.call.size // _BYTES_A_TOKEN)

    def _looked(self) -> tuple[list[msgspec.Raw], int, bytes]:
        """Messages, number of tools, the system prompt's bytes; nothing where the body is no JSON of that shape."""
        if self._body is None:
            self._body = _look(getattr(self.call.look, "text", b""))
        return self._body

    def conversation(self) -> bytes | None:
        """A name that all turns of a conversation share: its messages up to the first of the user's."""
        messages, _, system = self._looked()
        digest, seen = blake2b(system[:_MOST_BYTES], digest_size=16), 0
        for one in messages[:_MOST_MESSAGES]:
            text = bytes(one)
            digest.update(text[: max(0, _MOST_BYTES - seen)])
            seen += len(text)
            if _role(text) == "user":
                break
        return digest.digest() if seen else None

    def variables(self) -> dict[str, Any]:
        """What conditions may ask for."""
        if self._variables is None:
            messages, tools, _ = self._looked()
            principal, call = self.exchange.principal, self.call
            self._variables = {
                "prompt_bytes": call.size,
                "prompt_tokens": self.tokens,
                "max_tokens": call.most_output,
                "messages": len(messages),
                "tools": tools,
                "stream": call.streamed,
                "model": call.model,
                "operation": call.endpoint.operation,
                "org": principal.org if principal is not None else "",
                "team": principal.team if principal is not None else "",
                "consumer": principal.consumer if principal is not None else "",
                "end_user": (principal.end_user or "") if principal is not None else "",
            }
        return self._variables


class _Effects(msgspec.Struct):
    store: bool | None = None
    background: bool | None = None


_effects = msgspec.json.Decoder(_Effects).decode


def in_background(call: LlmCall) -> bool:
    """Whether its answer goes on at the provider when nobody listens."""
    if call.endpoint.family != "openai_responses" or b'"background"' not in call.look.text:
        return False
    try:
        return bool(_effects(call.look.text).background)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def repeatable(call: LlmCall) -> bool:
    """Whether a provider may see this call twice: it leaves nothing there, and builds on nothing that is there."""
    endpoint = call.endpoint
    if endpoint.form or endpoint.once or call.pin:
        return False
    text = call.look.text
    kept = endpoint.family == "openai_responses"  # unless it says otherwise
    if not kept and b'"store"' not in text and b'"background"' not in text:
        return True
    try:
        said = _effects(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return not said.background and not (kept if said.store is None else said.store)


def _look(text: bytes) -> tuple[list[msgspec.Raw], int, bytes]:
    try:
        body = _body(text)
        messages = body.messages
        if not messages and bytes(body.input) != b"null":
            messages = _list(body.input) if bytes(body.input)[:1] == b"[" else [body.input]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [], 0, b""
    return messages, len(body.tools), bytes(body.system)


def _role(text: bytes) -> str:
    """`user` for a bare string, as Responses takes it."""
    try:
        return _message(text).role
    except msgspec.DecodeError:
        return "user"
