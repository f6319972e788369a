"""The tables, as this version of the program sees them; how a database gets there is in `migrations`."""

import sqlalchemy as sa

from triplegate.core.usage import CLASSES

metadata = sa.MetaData()


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _counted(*names: str) -> list[sa.Column[int]]:
    """Numbers that older rows do not have."""
    return [sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in names]


records = sa.Table(
    "records",
    metadata,
    sa.Column("exchange", sa.Text, primary_key=True),
    sa.Column("part", sa.BigInteger, primary_key=True, autoincrement=False),
    *_texts("kind", "parent", "node", "snapshot"),
    sa.Column("started", sa.Double, nullable=False),
    *_numbers("duration_us", "first_byte_us", "overhead_us"),
    *_texts("gate", "listener", "route", "target", "method"),
    *_numbers("status"),
    *_texts("outcome", "refusal", "org", "team", "consumer", "key_id", "end_user", "plan"),
    sa.Column("streamed", sa.Boolean, nullable=False),
    *_numbers("bytes_in", "bytes_out", *CLASSES),
    *_texts("tool_units", "usage_source"),
    *_numbers("own_cost", "cost", "list_cost", "saved"),
    *_texts("cache", "price_version", "traceparent"),
    sa.Column("billed", sa.Boolean, nullable=False),
    sa.Column("provider", sa.Text, nullable=False, server_default=sa.text("''")),
    *_counted("surcharge", "tried", "apart", "elsewhere", "wasted"),
    sa.Column("arguments", sa.Text, nullable=False, server_default=sa.text("''")),
)
"""One row a part; money in 10⁻¹⁰ US dollar, durations in µs, `started` in Unix seconds.

`provider` and `target` are those of the attempt that answered, else of the last one. `tried`: 1 when that attempt is
told by this row. `apart`: how many other attempts there are, each told by its own row; `elsewhere`: what these cost.
`wasted`: the part of the rest that bought no answer. `arguments`: of a tool call, SHA-256 of what it was given.
"""

sa.Index("records_started", records.c.started)
sa.Index("records_team", records.c.team, records.c.started)
sa.Index("records_key", records.c.key_id, records.c.started)
_IS_LAST = records.c.kind.in_(("final", "unknown"))
sa.Index("records_last", records.c.exchange, unique=True, sqlite_where=_IS_LAST, postgresql_where=_IS_LAST)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("exchange", sa.Text, primary_key=True),
    sa.Column("part", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    *_texts("role", "provider", "target", "credential_id"),
    *_numbers("offset_us", "first_byte_us", "duration_us", "status"),
    *_texts("error_class", "upstream_id"),
    *_numbers(*CLASSES),
    *_texts("usage_source"),
    *_numbers("cost"),
    sa.Column("adopted", sa.Boolean, nullable=False),
    *[
        sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))
        for name in ("price_version", "tier", "tool_units")
    ],
    *_counted("apart"),
)
"""One row a try; `apart` is 1 when its tokens and cost are no part of what its record's row tells."""

ROLLUP_KEY = ("minute", "gate", "route", "target", "org", "team", "consumer", "status", "outcome")
ROLLUP_SUMS = (
    "requests",
    "bytes_in",
    "bytes_out",
    "duration_us",
    "overhead_us",
    *CLASSES,
    "cost",
    "list_cost",
    "saved",
)
rollups = sa.Table(
    "rollups_minute",
    metadata,
    *[
        sa.Column(
            name, sa.BigInteger if name in {"minute", "status"} else sa.Text, primary_key=True, autoincrement=False
        )
        for name in ROLLUP_KEY
    ],
    *_numbers(*ROLLUP_SUMS),
)
"""Unpriced exchanges summed by minute; `minute` is its first second in Unix time."""

LEDGER_KEY = (
    *("gate", "route", "provider", "target", "org", "team", "consumer", "key_id", "plan"),
    *("outcome", "price_version", "cache"),
)
LEDGER_SUMS = (
    *("requests", "attempts", "bytes_in", "bytes_out", *CLASSES),
    *("cost", "own_cost", "list_cost", "saved", "wasted", "surcharge"),
)


def _ledger_sums(name: str, period: str) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column(period, sa.BigInteger, primary_key=True, autoincrement=False),
        *[sa.Column(key, sa.Text, primary_key=True) for key in LEDGER_KEY],
        *_numbers(*LEDGER_SUMS),
        sqlite_with_rowid=False,
    )


hours = _ledger_sums("rollups_hour", "hour")
"""All of the ledger, rows and minute sums, by hour of its start; `hour` is its first second in Unix time."""
days = _ledger_sums("rollups_day", "day")
"""The same by day, UTC."""

prices = sa.Table(
    "prices",
    metadata,
    sa.Column("version", sa.Text, primary_key=True),
    *_texts("gate", "provider", "model", "rates"),
    sa.Column("valid_from", sa.Double),
    sa.Column("valid_until", sa.Double),
    sa.Column("first_seen", sa.Double, nullable=False),
)
"""Every price that was ever in force, by the name that records give it; `rates` is canonical JSON."""

marks = sa.Table(
    "ledger_marks",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)
"""How far work on the ledger has come: since when rows are kept, up to where sums were made anew. Unix seconds."""

spool_offsets = sa.Table(
    "spool_offsets",
    metadata,
    sa.Column("file", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)
"""How much of each spool file is in the ledger, written in the transaction that put it there."""

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)
"""Counters that workers poll to see that something changed."""

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    *_texts("org", "team", "consumer", "plan", "roles", "scopes", "name"),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("expires", sa.Double),
    sa.Column("revoked", sa.Double),
    sa.Column("changed", sa.BigInteger, nullable=False),
    sa.Column("budget", sa.Text, nullable=False, server_default=sa.text("''")),
)
"""Never a key itself: HMAC-SHA256(pepper, key). `changed` is the counter's value at the last change."""
sa.Index("keys_changed", keys.c.changed)

tokens = sa.Table(
    "admin_tokens",
    metadata,
    sa.Column("token_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    *_texts("name", "roles", "org", "team"),
    sa.Column("once", sa.Boolean, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("expires", sa.Double),
    sa.Column("revoked", sa.Double),
)

teams = sa.Table(
    "teams",
    metadata,
    sa.Column("org", sa.Text, primary_key=True),
    sa.Column("team", sa.Text, primary_key=True),
    sa.Column("consumer", sa.Text, primary_key=True),
    *_texts("plan"),
    sa.Column("created", sa.Double, nullable=False),
)
"""Who exists; an empty consumer is the team itself, an empty team the org."""

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    *_texts("body", "author"),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.Double, nullable=False),
)
"""Configuration as written, where it lives in the store (`documents: store`)."""

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Double, nullable=False),
    *_texts("actor", "action", "subject", "detail"),
    sa.Column("previous", sa.LargeBinary, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
)
"""A chain: digest = HMAC(key, previous ‖ row)."""

raises = sa.Table(
    "budget_raises",
    metadata,
    sa.Column("raise_id", sa.Text, primary_key=True),
    *_texts("bucket"),
    *_numbers("amount"),
    sa.Column("until", sa.Double, nullable=False),
    *_texts("reason", "actor"),
    sa.Column("created", sa.Double, nullable=False),
)
"""More of a budget for a time; whoever looks after `until` finds nothing of it."""
sa.Index("budget_raises_until", raises.c.until)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("message_id", sa.Text, primary_key=True),
    *_texts("kind", "body"),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("due", sa.Double, nullable=False),
    *_numbers("tries"),
    *_texts("state", "failure"),
)
"""What is to be told outside, once over all nodes: its id says what it is about. `state`: waiting, sent or dead."""
sa.Index("outbox_due", outbox.c.state, outbox.c.due)

counters = sa.Table(
    "budget_counters",
    metadata,
    sa.Column("bucket", sa.Text, primary_key=True),
    *_numbers("period", "spent", "held"),
    *_texts("slices"),
    sa.Column("until", sa.Double, nullable=False),
)
"""Budgets of nodes that share a database and nothing else; `slices` of rolling windows as JSON."""

holds = sa.Table(
    "budget_holds",
    metadata,
    sa.Column("hold", sa.Text, primary_key=True),
    *_texts("bucket"),
    *_numbers("period", "amount"),
    sa.Column("expires", sa.Double, nullable=False),
)
sa.Index("budget_holds_bucket", holds.c.bucket, holds.c.expires)

settled = sa.Table(
    "budget_settled",
    metadata,
    sa.Column("hold", sa.Text, primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
)
"""Holds that were settled lately: what is settled twice is spent once."""
sa.Index("budget_settled_at", settled.c.at)

pins = sa.Table(
    "mcp_pins",
    metadata,
    *[sa.Column(name, sa.Text, primary_key=True) for name in ("server", "tool", "fingerprint")],
    *_texts("shape", "findings"),
    sa.Column("first_seen", sa.Double, nullable=False),
    *_texts("standing", "actor"),
    sa.Column("decided", sa.Double, nullable=False),
    *_texts("definition"),
)
"""Definitions of tools as they were seen; `definition`: the pinned members as canonical JSON, `findings` as JSON."""
sa.Index("mcp_pins_seen", pins.c.server, pins.c.standing, pins.c.first_seen)

approvals = sa.Table(
    "mcp_approvals",
    metadata,
    sa.Column("approval_id", sa.Text, primary_key=True),
    *_texts("server", "tool", "org", "team", "consumer", "key_id", "digest", "arguments", "ask"),
    sa.Column("asked", sa.Double, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
    *_texts("state", "actor"),
    sa.Column("decided", sa.Double, nullable=False),
)
"""Calls that a person had to approve. `digest`: SHA-256 of the arguments; these themselves only while it waits."""
sa.Index("mcp_approvals_asked", approvals.c.asked)
sa.Index("mcp_approvals_state", approvals.c.state, approvals.c.until)
