"""What the ledger keeps of each exchange and of each attempt inside it."""

from typing import Literal

import msgspec

Outcome = Literal["ok", "refused", "failed", "gone", "unknown"]
Kind = Literal["intent", "interim", "final", "unknown", "correction"]


class AttemptRecord(msgspec.Struct, array_like=True, gc=False):
    """One try at one target."""

    n: int
    role: str
    provider: str
    target: str
    credential_id: str
    offset_us: int
    first_byte_us: int
    duration_us: int
    status: int
    error_class: str
    upstream_id: str
    tokens: tuple[int, ...]
    """Order of `usage.CLASSES`."""
    usage_source: str
    cost: int
    adopted: bool
    price_version: str = ""
    """The price of its own cost: a fallback at another provider has another one than the answer."""
    tier: str = ""
    """Service tier that the provider says it used; empty = the standard one."""
    tool_units: str = ""
    """Counted things of this attempt, as in `Usage.tool_units`."""


class Record(msgspec.Struct, array_like=True, gc=False):
    """One ledger entry; numbers of interims and the final are increments, Σ over parts is the truth.

    Durations in µs, money in 10⁻¹⁰ US dollar, `started` in Unix seconds. New fields go to the end.
    """

    exchange: str
    part: int
    kind: Kind
    parent: str
    node: str
    snapshot: str
    started: float
    duration_us: int
    first_byte_us: int
    overhead_us: int
    gate: str
    listener: str
    route: str
    target: str
    method: str
    status: int
    outcome: Outcome
    refusal: str
    org: str
    team: str
    consumer: str
    key_id: str
    end_user: str
    plan: str
    streamed: bool
    bytes_in: int
    bytes_out: int
    tokens: tuple[int, ...]
    """Order of `usage.CLASSES`."""
    tool_units: str
    usage_source: str
    own_cost: int
    cost: int
    """own_cost + Σ attempts' cost."""
    list_cost: int
    saved: int
    cache: str
    price_version: str
    traceparent: str
    billed: bool
    each: bool
    """A row of its own (billed, or the route says `records: each`); else a minute rollup."""
    attempts: tuple[AttemptRecord, ...] = ()
    calls: int = 1
    """Exchanges that it stands for: the sums of several unpriced ones share an entry of the spool."""
    provider: str = ""
    """Of the attempt that answered, else of the last one."""
    surcharge: int = 0
    """What the answer of a fallback cost above the price of the first choice, where that is known."""
    arguments: str = ""
    """SHA-256 of a tool call's arguments as they came; never the arguments."""
