"""Count while relaying: usage from the reply itself, an estimate where it is cut or silent, cost from the price."""

import msgspec

from triplegate.core.admission import Dimension
from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.http import Encoder, Frame
from triplegate.core.money import Price, dollars_text
from triplegate.core.usage import Usage, plain_tokens
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.charged import Charged, place_of
from triplegate.gates.llm.deployment import Deployment
from triplegate.gates.llm.failures import refusal_of
from triplegate.gates.llm.flow import Flow
from triplegate.gates.llm.sizing import raw_tokens
from triplegate.gates.llm.whole import Large, Seen

_BYTES_A_TOKEN = 4
_TYPICAL = 512
"""Tokens of an answer that nothing is known of."""


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
        if self._call.endpoint.free:
            return 0
        attempt.usage = exchange.usage = usage
        if exchange.demand is not None:
            exchange.demand.learn(attempt.target, usage)
        price = price_for(attempt.target, self._call)
        if price is not None:
            attempt.cost, attempt.price_version = charge(exchange, attempt, price, usage)
            exchange.numbers.price_version = attempt.price_version
            if attempt.adopted and attempt.role == "fallback":
                exchange.numbers.surcharge = surcharge(exchange, attempt, self._call)
        exchange.numbers.list_cost = attempt.cost
        return attempt.cost

    def so_far(self) -> dict[Dimension, int]:
        """What was used until now, for holds that must last as long as the answer."""
        return counted_so_far(self._exchange, self._attempt, self._call)

    def book_cut(self, pieces: int) -> None:
        """The provider never said: what went in by size, what came out by pieces seen."""
        self.book(estimate(self._call, pieces, "partial"))


def adopted(exchange: Exchange) -> Attempt:
    """The attempt whose answer the client gets: nearly always the last one."""
    attempt = exchange.attempts[-1]
    return attempt if attempt.adopted else next(one for one in exchange.attempts if one.adopted)


def charge(exchange: Exchange, attempt: Attempt, price: Price, usage: Usage) -> tuple[int, str]:
    """What `usage` costs at the moment the attempt began, and the version of the price that held."""
    tokens = usage.tokens()
    if price.rules is not None:
        clock = exchange.house.clock
        price = price.applied(tokens, usage.tier, clock.wall() - (clock.now() - attempt.started))
    return price.flat(tokens, usage.tool_units), price.version


def surcharge(exchange: Exchange, attempt: Attempt, call: LlmCall) -> int:
    """What the answer of a fallback cost more than the first choice would have; 0 where nobody knows its price."""
    price = price_for(exchange.attempts[0].target, call)
    if price is None or price.version == "none":
        return 0
    return max(0, attempt.cost - charge(exchange, attempt, price, attempt.usage)[0])


def begin(exchange: Exchange, attempt: Attempt, call: LlmCall) -> tuple[Usage, Charged]:
    """What a call is charged whose answer comes later, and the note of it: by its size, until the end is known."""
    usage = estimate(call, min(call.most_output or _TYPICAL, _TYPICAL), "estimated")
    price = price_for(attempt.target, call)
    cost = 0 if price is None else charge(exchange, attempt, price, usage)[0]
    at = int(exchange.house.clock.wall())
    return usage, Charged(place_of(attempt.target), usage.input_uncached, usage.output_text, cost, at)


def book_left(exchange: Exchange, call: LlmCall) -> None:
    """The client left while attempts were under way: each is paid for by what is known of it."""
    for attempt in exchange.attempts:
        if attempt.numbers.dispatched and not attempt.error_class:
            _book_seen(exchange, attempt, call)
    exchange.numbers.list_cost = sum([attempt.cost for attempt in exchange.attempts])


def book_lost(exchange: Exchange, call: LlmCall) -> None:
    """Attempts that were cut off because another one answered sooner: paid for, and no part of what the client used."""
    if len(exchange.attempts) == 1:
        return
    for attempt in exchange.attempts:
        if attempt.numbers.dispatched and not attempt.error_class and not attempt.adopted:
            _book_seen(exchange, attempt, call)
    exchange.usage, exchange.numbers.list_cost = Usage(), 0


def book_unsure(exchange: Exchange, attempt: Attempt, call: LlmCall) -> None:
    """A failure after which nobody knows what the provider did costs what went in; another one costs nothing."""
    if attempt.unsure and not call.endpoint.free:
        attempt.usage = estimate(call, 0, "estimated")
        attempt.cost = cost_of(exchange, attempt, call, attempt.usage)


def book_blocked(exchange: Exchange, call: LlmCall) -> None:
    """A guard of ours let nobody see the answer: the provider wrote it all the same."""
    _book_seen(exchange, exchange.attempts[-1], call)


def usage_seen(flow: Flow | Seen) -> Usage | None:
    """What the provider said of an answer. Some say at its begin what went in: until its end, what came is counted."""
    said = flow.usage
    if said is None or isinstance(flow, Seen) or flow.finish_reason or flow.done:
        return said
    more = flow.pieces - said.output_total
    return said if more <= 0 else msgspec.structs.replace(said, output_text=said.output_text + more, source="partial")


def counted_so_far(exchange: Exchange, attempt: Attempt, call: LlmCall) -> dict[Dimension, int]:
    """What an answer that still runs has used, by what was said or else by pieces seen; other attempts' cost too."""
    usage = usage_seen(attempt.flow) or estimate(call, attempt.flow.pieces, "partial")
    others = sum([one.cost for one in exchange.attempts if one is not attempt])
    return {
        "input": usage.input_total,
        "output": usage.output_total,
        "total": usage.total,
        "money": others + cost_of(exchange, attempt, call, usage),
    }


def spent(exchange: Exchange, call: LlmCall) -> int:
    """What the answers to `call` have cost: as booked, else by what their providers said so far."""
    total = 0
    for attempt in exchange.attempts:
        said = None if attempt.cost or attempt.flow is None else usage_seen(attempt.flow)
        total += attempt.cost if said is None else cost_of(exchange, attempt, call, said)
    return total


def cost_of(exchange: Exchange, attempt: Attempt, call: LlmCall, usage: Usage) -> int:
    """What that usage costs at the attempt's deployment, at its moment; 0 where no price is known."""
    price = price_for(attempt.target, call)
    if price is None:
        return 0
    clock = exchange.house.clock
    return price.cost(usage.tokens(), usage.tool_units, usage.tier, clock.wall() - (clock.now() - attempt.started))


def _book_seen(exchange: Exchange, attempt: Attempt, call: LlmCall) -> None:
    seen = attempt.flow
    meter = Meter(exchange, attempt, call)
    said = None if seen is None else usage_seen(seen)
    if said is not None:
        meter.book(said)
    else:
        meter.book_cut(getattr(seen, "pieces", 0))


def estimate(call: LlmCall, output: int, source: str) -> Usage:
    """Usage by what the request's bytes suggest, with `output` tokens; `source` is partial or estimated."""
    if call.endpoint.asked is not None:
        return call.endpoint.asked(call.look)
    tokens = max(1, round(raw_tokens(call)))
    return Usage(input_uncached=tokens, output_text=output, source="partial" if source == "partial" else "estimated")


def price_for(target: Target, call: LlmCall) -> Price | None:
    """What a call costs there: of a deployment for many models, the price of the one that is asked for."""
    deployment: Deployment | None = target.wiring
    if deployment is None or deployment.by_name is None:
        return target.price
    return deployment.by_name.of(deployment.model_for(call.model))


def reserved(call: LlmCall, target: Target, tokens: tuple[int, ...]) -> int:
    """What the intent sets aside: these tokens at the price there."""
    price = price_for(target, call)
    return 0 if price is None or not tokens else price.cost(tokens)


def aside(call: LlmCall) -> tuple[int, ...]:
    """Tokens to set aside: the input (by size where nothing looked at it), the bound of output or 512; none if free."""
    if call.endpoint.free:
        return ()
    output = 0 if not call.endpoint.generates else call.most_output or _TYPICAL
    if call.endpoint.asked is not None:
        return estimate(call, output, "estimated").tokens()
    tokens = round(call.raw_tokens) or call.size // _BYTES_A_TOKEN
    return plain_tokens(max(1, tokens), output)


class WholeEncoder(Encoder):
    """A reply that is not streamed: its cost stands in a header, unless it was too large to gather."""

    __slots__ = ("_call", "_exchange", "_large", "_meter", "_seen")
    whole = True

    def __init__(self, exchange: Exchange, call: LlmCall, meter: Meter, seen: Seen, large: Large | None) -> None:
        self._exchange, self._call, self._meter, self._seen, self._large = exchange, call, meter, seen, large
        exchange.on_close(self._close)

    def feed(self, frame: Frame) -> bytes:
        """Pass the bytes."""
        return frame  # type: ignore[no-any-return]

    def finish(self) -> bytes:
        """Book, and promise the cost header (which is too late for a reply that was too large to gather)."""
        usage = self._seen.usage
        if usage is None and self._large is not None:
            usage = self._call.endpoint.usage(self._large.tail())
        cost = self._meter.book(usage or estimate(self._call, self._output(), "estimated"))
        self._exchange.reply_headers.append((b"x-triplegate-cost", dollars_text(cost).encode("ascii")))
        return b""

    def _output(self) -> int:
        return self._seen.size // _BYTES_A_TOKEN if self._call.endpoint.generates else 0

    def _close(self, exchange: Exchange) -> None:
        """Cut, or left before its end; else it is booked. What was gathered whole was said by the provider."""
        if self._seen.whole and self._seen.usage is not None:
            self._meter.book(self._seen.usage)
        else:
            self._meter.book_cut(self._output())


class PassingEncoder(WholeEncoder):
    """An answer that is no text: it streams, so its cost stands in the record only."""

    __slots__ = ()
    whole = False


class StreamEncoder(Encoder):
    """A streamed reply: the flow has made its bytes; here it is booked before the byte that completes it."""

    __slots__ = ("_deployment", "_exchange", "_flow", "_meter")

    def __init__(self, exchange: Exchange, flow: Flow, meter: Meter, deployment: str) -> None:
        self._exchange, self._flow, self._meter, self._deployment = exchange, flow, meter, deployment
        exchange.on_close(self._close)
        if exchange.admission is not None:
            exchange.admission.counted = meter.so_far

    def feed(self, frame: Frame) -> bytes:
        """The frame as it is; clients leave at the end marker, so the exchange is closed before that leaves."""
        if self._flow.done:
            self._book()
            self._exchange.numbers.bytes_out += len(frame)
            self._exchange.close("ok")
        return frame  # type: ignore[no-any-return]

    def finish(self) -> bytes:
        """The end: booked before its last byte. An error event of the provider's that passed is the call's failure."""
        error = self._flow.error
        if error is not None:  # it was passed on as it came; no end marker of ours may follow
            self._exchange.refusal = refusal_of(error, self._deployment)
        self._book()
        return b""

    def fail(self, refusal: Exception) -> bytes:
        """The dialect's error event; official clients raise on it."""
        assert isinstance(refusal, Refusal)
        return self._flow.fail(refusal)

    def _book(self) -> None:
        said = usage_seen(self._flow)
        if said is not None:
            self._meter.book(said)
        else:
            self._meter.book_cut(self._flow.pieces)

    def _close(self, exchange: Exchange) -> None:
        self._book()
