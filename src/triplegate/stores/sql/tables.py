"""The tables, as this version of the program sees them; how a database gets there is in `migrations`."""

import sqlalchemy as sa

from triplegate.core.usage import CLASSES

metadata = sa.MetaData()


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


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
)
"""One row a part; money in 10⁻¹⁰ US dollar, durations in µs, `started` in Unix seconds."""

sa.Index("records_started", records.c.started)
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
)

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
