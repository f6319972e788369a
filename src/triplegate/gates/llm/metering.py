"""Count while relaying: usage from the reply itself, an estimate where it is cut or silent, cost from the price."""

import msgspec

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.http import Encoder, Frame
from triplegate.core.money import to_dollars
from triplegate.core.usage import Usage
from triplegate.gates.llm.call import LlmCall
from triplegate.wire.openai_errors import event
from triplegate.wire.openai_stream import ChatStream

_KEPT = 1_048_576
_BYTES_A_TOKEN = 4


class Meter:
    """Books one adopted attempt, once, however its exchange ends."""

    __slots__ = ("_attempt", "_booked", "_call", "_exchange")

    def __init__(self, exchange: Exchange, attempt: Attempt, call: LlmCall) -> None:
        self._exchange, self._attempt, self._call = exchange, attempt, call
        self._booked = False

    def book(self, usage: Usage) -> int:
        """Write usage and cost to attempt and exchange; the cost in units."""
        if self._booked:
            return self._attempt.cost
        self._booked = True
        attempt, exchange = self._attempt, self._exchange
        attempt.usage = exchange.usage = usage
        price = attempt.target.price
        attempt.cost = price.cost(usage.tokens()) if price is not None else 0
        exchange.numbers.list_cost = attempt.cost
        if price is not None:
            exchange.numbers.price_version = price.version
        return attempt.cost

    def waive(self) -> None:
        """The provider answered with an error: there is nothing to pay for."""
        self._booked = True

    def book_cut(self, pieces: int) -> None:
        """The provider never said: what went in by size, what came out by pieces seen."""
        self.book(estimate(self._call, pieces, "partial"))


def estimate(call: LlmCall, output: int, source: str) -> Usage:
    """Usage by size of the request, with `output` tokens; `source` is partial or estimated."""
    tokens = max(1, call.size // _BYTES_A_TOKEN)
    return Usage(input_uncached=tokens, output_text=output, source="partial" if source == "partial" else "estimated")


def reserved(call: LlmCall, target: Target) -> int:
    """What the intent sets aside: the input by size, the client's bound of output or 512 tokens; in units."""
    price = target.price
    if price is None:
        return 0
    output = 0 if not call.dialect.streams else call.most_output or 512
    return price.cost(estimate(call, output, "estimated").tokens())


class WholeEncoder(Encoder):
    """A reply that is not streamed: gathered, so that its cost can stand in a header."""

    __slots__ = ("_call", "_exchange", "_kept", "_meter", "_size")
    whole = True

    def __init__(self, exchange: Exchange, call: LlmCall, meter: Meter) -> None:
        self._exchange, self._call, self._meter = exchange, call, meter
        self._kept: list[bytes] = []
        self._size = 0
        exchange.on_close(self._close)

    def feed(self, frame: Frame) -> bytes:
        """Pass the bytes, remember them for usage (the tail, where they are many)."""
        self._kept.append(frame)
        self._size += len(frame)
        if self._size > _KEPT and len(self._kept) > 1:
            self._kept = [b"".join(self._kept)[-_BYTES_A_TOKEN * 4096 :]]
        return frame  # type: ignore[no-any-return]

    def finish(self) -> bytes:
        """Book, and promise the cost header (which is too late for a reply that was too large to gather).

        Raises Refusal upstream_failed or upstream_malformed for what is no answer.
        """
        text = b"".join(self._kept)
        usage = self._call.dialect.usage(text if self._size <= _KEPT else _usage_tail(text))
        if usage is None:
            if self._size <= _KEPT:
                self._check(text)
            usage = estimate(self._call, self._output(), "estimated")
        cost = self._meter.book(usage)
        self._exchange.reply_headers.append((b"x-triplegate-cost", f"{to_dollars(cost):f}".encode("ascii")))
        return b""

    def _check(self, text: bytes) -> None:
        try:
            error = bytes(_told(text).error)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
            self._meter.waive()
            raise Refusal("upstream_malformed", "The provider's answer is no JSON.", reason=str(broken)) from broken
        if error not in _NO_ERROR:
            self._meter.waive()
            raise Refusal("upstream_failed", "The provider failed.", reason=error[:512].decode("utf-8", "replace"))

    def _output(self) -> int:
        return self._size // _BYTES_A_TOKEN if self._call.dialect.streams else 0

    def _close(self, exchange: Exchange) -> None:
        self._meter.book_cut(self._output())  # cut or left before its end; else it is booked


class _Told(msgspec.Struct, gc=False):
    error: msgspec.Raw = msgspec.Raw(b"")


_told = msgspec.json.Decoder(_Told).decode
_NO_ERROR = frozenset({b"", b"null"})


def _usage_tail(tail: bytes) -> bytes:
    """A reply too large to keep reports its usage near its end: that object alone, as a reply of its own."""
    place = tail.rfind(b'"usage"')
    start = tail.find(b"{", place)
    if place < 0 or start < 0:
        return b""
    depth = 0
    for end in range(start, len(tail)):
        depth += (tail[end] == 0x7B) - (tail[end] == 0x7D)
        if depth == 0:
            return b'{"usage":' + tail[start : end + 1] + b"}"
    return b""


class StreamEncoder(Encoder):
    """A streamed reply: its events pass as they came, but for a usage chunk that the client did not ask for."""

    __slots__ = ("_exchange", "_meter", "stream")

    def __init__(self, exchange: Exchange, call: LlmCall, meter: Meter) -> None:
        self._exchange, self._meter = exchange, meter
        self.stream = ChatStream(strip_usage=not call.wants_usage)
        exchange.on_close(self._close)

    def feed(self, frame: Frame) -> bytes:
        """The whole events so far; clients leave at `[DONE]`, so the exchange is closed before that leaves."""
        stream = self.stream
        content = stream.feed(frame)
        if stream.done and stream.error is None:
            self._book()
            self._exchange.numbers.bytes_out += len(content)
            self._exchange.close("ok")
        return content

    def finish(self) -> bytes:
        """The real end: booked before its last byte. Raises Refusal upstream_reset when the end is none."""
        stream = self.stream
        rest = stream.finish()
        if stream.error is not None:
            # it was passed on as it came; no end marker of ours may follow
            self._exchange.refusal = Refusal("upstream_failed", "The provider failed.", reason=stream.error.message)
        elif not (stream.done or stream.finish_reason):
            raise Refusal(
                "upstream_reset", "The provider ended the stream before its end.", reason="no finish, no [DONE]"
            )
        self._book()
        return rest

    def fail(self, refusal: Exception) -> bytes:
        """The dialect's error event; official clients raise on it."""
        assert isinstance(refusal, Refusal)
        return event(refusal)

    def _book(self) -> None:
        if self.stream.usage is not None:
            self._meter.book(self.stream.usage)
        else:
            self._meter.book_cut(self.stream.pieces)

    def _close(self, exchange: Exchange) -> None:
        self._book()
