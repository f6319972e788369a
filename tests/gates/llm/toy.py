"""A dialect for tests of the gate: one JSON array a line, `[kind, text]`; what it is written in is as plain."""

import json

from triplegate.core.errors import Refusal
from triplegate.core.usage import Usage
from triplegate.wire.codec import ClientCodec, ProviderCodec
from triplegate.wire.neutral import Message, Request, Text
from triplegate.wire.neutral_events import BlockStart, Delta, Failed, Finish, Start, UsageSeen
from triplegate.wire.openai_chat import edit_call, read_call
from triplegate.wire.openai_stream import ChatStream


def line(kind, said=""):
    return json.dumps([kind, said]).encode() + b"\n"


WORD, STOP, COUNT = line("text", "word"), line("stop"), line("usage", 5)


def _event(text):
    kind, said = json.loads(text)
    return {
        "start": lambda: Start("r", said),
        "block": lambda: BlockStart(0, "text"),
        "text": lambda: Delta(0, said),
        "stop": lambda: Finish("stop", "end"),
        "filtered": lambda: Finish("content_filter", "SAFETY"),
        "usage": lambda: UsageSeen(Usage(input_uncached=said, source="provider")),
        "error": lambda: Failed(said, "no luck"),
    }[kind]()


class Reader:
    def __init__(self):
        self._tail = b""

    def feed(self, chunk):
        *lines, self._tail = (self._tail + chunk).split(b"\n")
        return [_event(one) for one in lines]

    def finish(self):
        return []


class Writer:
    def __init__(self, shape):
        self.shape = shape

    def feed(self, event):
        return b"<%b>" % event.text.encode() if isinstance(event, Delta) else b""

    def finish(self):
        return b"<end of %b>" % self.shape.model.encode()

    def fail(self, refusal):
        return b"<failed: %b>" % refusal.code.encode()


def _reply(events, shape):
    return b"".join([Writer(shape).feed(event) for event in events])


def _request(text):
    return Request("toy", json.loads(text)["model"], (Message("user", (Text("hi"),)),))


def _ask(request, model, losses):
    losses.lose("seed")
    return json.dumps([model, request.messages[0].parts[0].text]).encode()


def _error(status, headers, body):
    return Failed("rate" if status == 429 else "context_window", body.decode(), status)


def _events(text):
    try:
        return [_event(one) for one in text.splitlines()]
    except ValueError as error:
        raise Refusal("upstream_malformed", reason=str(error)) from error


PROVIDER = ProviderCodec(
    "toy", lambda model, stream: f"say/{model}?stream={stream}", _ask, Reader, _events, _error, stream_type=b"x-toy"
)
CLIENT = ClientCodec("openai", read_call, edit_call, ChatStream, None, _request, Writer, _reply)
