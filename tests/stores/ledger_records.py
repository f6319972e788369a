"""Records for tests of spool and ledger: plain values, changed by name."""

from typing import Any

import msgspec

from triplegate.core.record import AttemptRecord, Record

ATTEMPT = AttemptRecord(
    n=1,
    role="first",
    provider="openai",
    target="smart/openai",
    credential_id="cred_1",
    offset_us=120,
    first_byte_us=23_000,
    duration_us=45_000,
    status=200,
    error_class="",
    upstream_id="chatcmpl-abc123",
    tokens=(10, 0, 0, 0, 0, 0, 20, 0, 0),
    usage_source="provider",
    cost=12_345,
    adopted=True,
)
RECORD = Record(
    exchange="01KAR2AAAAAAAAAAAAAAAAAAAA",
    part=1,
    kind="final",
    parent="",
    node="node-1",
    snapshot="abcdef0123456789",
    started=1_767_225_600.25,
    duration_us=45_000,
    first_byte_us=23_000,
    overhead_us=150,
    gate="llm",
    listener="data",
    route="smart",
    target="openai",
    method="POST",
    status=200,
    outcome="ok",
    refusal="",
    org="acme",
    team="web",
    consumer="ci",
    key_id="abcdefghij",
    end_user="",
    plan="free",
    streamed=True,
    bytes_in=1_200,
    bytes_out=5_300,
    tokens=(10, 0, 0, 0, 0, 0, 20, 0, 0),
    tool_units="",
    usage_source="provider",
    own_cost=0,
    cost=12_345,
    list_cost=12_345,
    saved=0,
    cache="none",
    price_version="v1",
    traceparent="00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
    billed=True,
    each=True,
    attempts=(ATTEMPT,),
)


def record(**changes: Any) -> Record:
    """A billed final of one attempt, but for `changes`."""
    return msgspec.structs.replace(RECORD, **changes)


def intent(exchange: str, reserved: int = 50_000) -> Record:
    """What a billed call notes before its first upstream byte."""
    return record(
        exchange=exchange,
        part=0,
        kind="intent",
        outcome="unknown",
        tokens=(0,) * 9,
        cost=0,
        list_cost=reserved,
        attempts=(),
    )


def unpriced(exchange: str, **changes: Any) -> Record:
    """A final of an api exchange without a price."""
    plain = {"gate": "api", "route": "orders", "target": "orders", "tokens": (0,) * 9, "cost": 0, "list_cost": 0}
    return record(exchange=exchange, **({"billed": False, "each": False, "attempts": ()} | plain | changes))
