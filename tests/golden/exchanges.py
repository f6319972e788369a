"""Replies of every provider dialect that can be replayed: small ones of our own, and the recordings where here."""

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
from tests.golden.recordings import GOLDEN, recorded
from tests.golden.said import Said, said_by

DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini", "bedrock_converse", "cohere")
_PROVIDERS = {
    "openai-chat": "openai_chat",
    "azure-openai": "openai_chat",
    "groq": "openai_chat",
    "mistral": "openai_chat",
    "deepseek": "openai_chat",
    "openrouter": "openai_chat",
    "openai-responses": "openai_responses",
    "anthropic": "anthropic_messages",
    "gemini": "gemini",
    "vertex": "gemini",
    "bedrock": "bedrock_converse",
    "cohere": "cohere",
}
_CHATS = re.compile(
    r"/(chat/completions|responses|v1/messages|v2/chat|converse|converse-stream)$|:\w*[gG]enerateContent$"
)
_TYPES = {
    "json": "application/json",
    "sse": "text/event-stream; charset=utf-8",
    "aws-event-stream": "application/vnd.amazon.eventstream",
}


class Replayed(msgspec.Struct, frozen=True):
    """A reply that the model of this name gives."""

    name: str
    dialect: str
    status: int
    streamed: bool
    """Whether the call is answered by a stream, or would be if it did not fail."""
    content_type: str
    body: bytes
    own: bool = False
    """One of our own small ones, which every checkout has."""

    @property
    def said(self) -> Said:
        return said_by(self.dialect, self.body, streamed=self.content_type != _TYPES["json"])


def framed(kind: str, payload: bytes, message: str = "event") -> bytes:
    """One message of Amazon's event stream."""
    fields = {f":{message}-type": kind, ":content-type": "application/json", ":message-type": message}
    head = b"".join(
        [
            bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
            for name, value in fields.items()
        ]
    )
    start = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    most = start + struct.pack(">I", zlib.crc32(start)) + head + payload
    return most + struct.pack(">I", zlib.crc32(most))


def own() -> list[Replayed]:
    """A whole reply and a stream of every dialect, written by hand."""
    return [reply for dialect in DIALECTS for reply in _own(dialect)]


def _own(dialect: str) -> Iterator[Replayed]:
    folder = GOLDEN / "replies"
    yield _ours(dialect, "json", (folder / f"{dialect}.json").read_bytes())
    frames = folder / f"{dialect}.frames"
    if frames.exists():
        lines = [line.split(b" ", 1) for line in frames.read_bytes().splitlines()]
        yield _ours(dialect, "aws-event-stream", b"".join([framed(kind.decode(), said) for kind, said in lines]))
    else:
        yield _ours(dialect, "sse", (folder / f"{dialect}.sse").read_bytes())


def _ours(dialect: str, framing: str, body: bytes) -> Replayed:
    streamed = framing != "json"
    name = f"own-{dialect}-{'stream' if streamed else 'whole'}"
    return Replayed(name, dialect, 200, streamed, _TYPES[framing], body, own=True)


def recorded_chats() -> list[Replayed]:
    """Every recorded exchange of a chat; none where the recordings are not here."""
    found = []
    for provider, dialect in _PROVIDERS.items():
        for one in recorded(provider):
            exchange = one.values[0]
            if exchange is None:
                continue
            path, _, query = exchange.request["path"].partition("?")
            if exchange.request["method"] != "POST" or not _CHATS.search(path):
                continue
            asked = exchange.request["body"] or {}
            streamed = bool(asked.get("stream")) or "stream" in Path(path).name or "alt=sse" in query
            spoken = "openai_responses" if path.endswith("/responses") else dialect
            name = exchange.name.rstrip("/-")
            found.append(Replayed(name, spoken, exchange.status, streamed, _TYPES[exchange.framing], exchange.body))
    return found
