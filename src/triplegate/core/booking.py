"""Turn a finished exchange into the record that the ledger keeps."""

import msgspec

from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.identity import Principal
from triplegate.core.record import AttemptRecord, Kind, Record
from triplegate.core.usage import Usage

_NO_TOKENS = Usage().tokens()
_NOBODY = Principal("", "", "")


def record_of(exchange: Exchange, kind: Kind, node: str, now: float, wall: float) -> Record:
    """The record of `exchange` as it stands at monotonic `now`, Unix `wall` seconds."""
    numbers, usage, inbound = exchange.numbers, exchange.usage, exchange.inbound
    principal, route = exchange.principal or _NOBODY, exchange.route
    attempts: tuple[AttemptRecord, ...] = ()
    cost, provider = numbers.own_cost, ""
    if exchange.attempts:
        attempts = tuple([_attempt(exchange, attempt, now) for attempt in exchange.attempts])
        cost += sum([one.cost for one in attempts])
        provider = attempts[0].provider if len(attempts) == 1 else _provider(attempts)
    duration = now - exchange.started
    billed = route is not None and route.billed
    return Record(
        exchange.id,
        exchange.parts,
        kind,
        exchange.parent.id if exchange.parent is not None else "",
        node,
        exchange.snapshot,
        wall - duration,
        int(duration * 1e6),
        int((numbers.first_byte - exchange.started) * 1e6) if numbers.first_byte else 0,
        overhead_us(exchange) if numbers.first_byte else 0,
        exchange.gate.name,
        inbound.listener,
        route.name if route is not None else "",
        exchange.tool or exchange.target,
        _method(exchange),
        numbers.status,
        exchange.outcome or "unknown",
        exchange.refusal.code if exchange.refusal is not None else "",
        principal.org,
        principal.team,
        principal.consumer,
        principal.key_id,
        principal.end_user or "",
        principal.plan,
        numbers.streamed,
        numbers.bytes_in,
        numbers.bytes_out,
        usage.tokens() if usage.source != "none" else _NO_TOKENS,
        usage.tool_units,
        usage.source,
        numbers.own_cost,
        cost,
        numbers.list_cost,
        numbers.saved,
        numbers.cache,
        numbers.price_version,
        exchange.trace.decode("ascii"),
        billed,
        billed or route is None or route.records == "each",
        attempts,
        1,
        provider,
        numbers.surcharge,
        exchange.arguments,
    )


_SUMS = (
    "duration_us",
    "first_byte_us",
    "overhead_us",
    "bytes_in",
    "bytes_out",
    "own_cost",
    "cost",
    "list_cost",
    "saved",
    "surcharge",
)


def rest_of(total: Record, booked: Record) -> Record:
    """The part that is left of `total` when `booked` stands in the ledger; a row of its own like the others."""
    left: dict[str, int] = {name: getattr(total, name) - getattr(booked, name) for name in _SUMS}
    tokens = tuple([now - before for now, before in zip(total.tokens, booked.tokens, strict=True)])
    return msgspec.structs.replace(total, tokens=tokens, each=True, **left)


def _provider(attempts: tuple[AttemptRecord, ...]) -> str:
    """Whoever answered; until somebody did, the last one asked."""
    return next((one.provider for one in attempts if one.adopted), attempts[-1].provider)


def _method(exchange: Exchange) -> str:
    """The method of the protocol spoken: JSON-RPC's at the mcp gate once it was read, else HTTP's."""
    call = exchange.call
    if call is not None and exchange.gate.name == "mcp":
        return str(call.method)
    return exchange.inbound.method


def overhead_us(exchange: Exchange) -> int:
    """Microseconds of our own until the head went out: all of it, less the wait for the upstream's head."""
    numbers = exchange.numbers
    if not numbers.first_byte:
        return 0
    own = numbers.first_byte - exchange.started
    if numbers.upstream_head and numbers.dispatched:
        own -= numbers.upstream_head - numbers.dispatched
    return int(own * 1e6)


def _attempt(exchange: Exchange, attempt: Attempt, now: float) -> AttemptRecord:
    numbers = attempt.numbers
    ended = numbers.ended or now
    return AttemptRecord(
        attempt.n,
        attempt.role,
        attempt.provider,
        attempt.target.name,
        attempt.credential_id,
        int((attempt.started - exchange.started) * 1e6),
        int((numbers.upstream_head - attempt.started) * 1e6) if numbers.upstream_head else 0,
        int((ended - attempt.started) * 1e6),
        numbers.status,
        attempt.error_class,
        attempt.upstream_id,
        attempt.usage.tokens() if attempt.usage.source != "none" else _NO_TOKENS,
        attempt.usage.source,
        attempt.cost,
        attempt.adopted,
        attempt.price_version,
        attempt.usage.tier,
        attempt.usage.tool_units,
    )
