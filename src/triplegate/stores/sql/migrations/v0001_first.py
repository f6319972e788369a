"""Step 1: ledger, spool offsets, keys, tokens, teams, documents, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TOKENS = (
    "input_uncached",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "audio_in",
    "image_in",
    "output_text",
    "reasoning",
    "audio_out",
)


def upgrade() -> None:
    """Make every table."""
    _ledger()
    _rollups()
    _access()
    _papers()


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _number(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=nullable)


def _ledger() -> None:
    op.create_table(
        "records",
        *_text("exchange"),
        *_number("part"),
        *_text("kind", "parent", "node", "snapshot"),
        _moment("started"),
        *_number("duration_us", "first_byte_us", "overhead_us"),
        *_text("gate", "listener", "route", "target", "method"),
        *_number("status"),
        *_text("outcome", "refusal", "org", "team", "consumer", "key_id", "end_user", "plan"),
        _flag("streamed"),
        *_number("bytes_in", "bytes_out", *_TOKENS),
        *_text("tool_units", "usage_source"),
        *_number("own_cost", "cost", "list_cost", "saved"),
        *_text("cache", "price_version", "traceparent"),
        _flag("billed"),
        sa.PrimaryKeyConstraint("exchange", "part"),
    )
    op.create_index("records_started", "records", ["started"])
    last = sa.column("kind", sa.Text).in_(("final", "unknown"))
    op.create_index("records_last", "records", ["exchange"], unique=True, sqlite_where=last, postgresql_where=last)
    op.create_table(
        "attempts",
        *_text("exchange"),
        *_number("part", "n"),
        *_text("role", "provider", "target", "credential_id"),
        *_number("offset_us", "first_byte_us", "duration_us", "status"),
        *_text("error_class", "upstream_id"),
        *_number(*_TOKENS),
        *_text("usage_source"),
        *_number("cost"),
        _flag("adopted"),
        sa.PrimaryKeyConstraint("exchange", "part", "n"),
    )


def _rollups() -> None:
    op.create_table(
        "rollups_minute",
        *_number("minute"),
        *_text("gate", "route", "target", "org", "team", "consumer"),
        *_number("status"),
        *_text("outcome"),
        *_number("requests", "bytes_in", "bytes_out", "duration_us", "overhead_us", *_TOKENS),
        *_number("cost", "list_cost", "saved"),
        sa.PrimaryKeyConstraint("minute", "gate", "route", "target", "org", "team", "consumer", "status", "outcome"),
    )
    op.create_table("spool_offsets", *_text("file"), *_number("at"), sa.PrimaryKeyConstraint("file"))


def _access() -> None:
    op.create_table("changes", *_text("subject"), *_number("number"), sa.PrimaryKeyConstraint("subject"))
    op.create_table(
        "keys",
        *_text("key_id"),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        *_text("org", "team", "consumer", "plan", "roles", "scopes", "name"),
        _moment("created"),
        _moment("expires", nullable=True),
        _moment("revoked", nullable=True),
        *_number("changed"),
        sa.PrimaryKeyConstraint("key_id"),
    )
    op.create_index("keys_changed", "keys", ["changed"])
    op.create_table(
        "admin_tokens",
        *_text("token_id"),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        *_text("name", "roles", "org", "team"),
        _flag("once"),
        _moment("created"),
        _moment("expires", nullable=True),
        _moment("revoked", nullable=True),
        sa.PrimaryKeyConstraint("token_id"),
    )
    op.create_table(
        "teams",
        *_text("org", "team", "consumer", "plan"),
        _moment("created"),
        sa.PrimaryKeyConstraint("org", "team", "consumer"),
    )


def _papers() -> None:
    op.create_table(
        "documents",
        *_text("kind", "name", "body", "author"),
        *_number("generation"),
        _moment("updated"),
        sa.PrimaryKeyConstraint("kind", "name"),
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        _moment("at"),
        *_text("actor", "action", "subject", "detail"),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
    )
