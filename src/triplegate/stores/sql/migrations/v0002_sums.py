"""Step 2: sums by hour and day, prices by version, what rows need to be summed by provider."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

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
_KEY = (
    *("gate", "route", "provider", "target", "org", "team", "consumer", "key_id", "plan"),
    *("outcome", "price_version", "cache"),
)
_SUMS = (
    *("requests", "attempts", "bytes_in", "bytes_out", *_TOKENS),
    *("cost", "own_cost", "list_cost", "saved", "wasted", "surcharge"),
)
_LAST = "kind IN ('final', 'unknown')"
_OWN = "a.exchange = records.exchange AND a.part = records.part"
_LOST = "outcome IN ('failed', 'gone')"


def upgrade() -> None:
    """Make tables and columns, then bring what is there already into them."""
    _columns()
    _tables()
    _place()
    _fold()


def _columns() -> None:
    op.add_column("records", sa.Column("provider", sa.Text, nullable=False, server_default=sa.text("''")))
    for name in ("surcharge", "tried", "apart", "elsewhere", "wasted"):
        op.add_column("records", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    for name in ("price_version", "tier", "tool_units"):
        op.add_column("attempts", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''")))
    op.add_column("attempts", sa.Column("apart", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("records_team", "records", ["team", "started"])
    op.create_index("records_key", "records", ["key_id", "started"])


def _tables() -> None:
    for table, period in (("rollups_hour", "hour"), ("rollups_day", "day")):
        op.create_table(
            table,
            sa.Column(period, sa.BigInteger, nullable=False, autoincrement=False),
            *[sa.Column(name, sa.Text, nullable=False) for name in _KEY],
            *[sa.Column(name, sa.BigInteger, nullable=False) for name in _SUMS],
            sa.PrimaryKeyConstraint(period, *_KEY),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "prices",
        *[sa.Column(name, sa.Text, nullable=False) for name in ("version", "gate", "provider", "model", "rates")],
        sa.Column("valid_from", sa.Double),
        sa.Column("valid_until", sa.Double),
        sa.Column("first_seen", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "ledger_marks",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _place() -> None:
    """Which attempt each row tells of, and what the others cost."""
    sibling = "SELECT 1 FROM attempts b WHERE b.exchange = attempts.exchange AND b.part = attempts.part"
    op.execute(
        f"UPDATE attempts SET apart = 1 WHERE NOT adopted "  # noqa: S608 - only names of ours
        f"AND EXISTS ({sibling} AND (b.adopted OR b.n > attempts.n))"
    )
    home = f"FROM attempts a WHERE {_OWN} AND a.apart = 0 ORDER BY a.n LIMIT 1"
    others = f"FROM attempts a WHERE {_OWN} AND a.apart = 1"
    op.execute(
        f"UPDATE records SET tried = 1, provider = (SELECT a.provider {home}), "  # noqa: S608
        f"target = (SELECT a.target {home}) WHERE EXISTS (SELECT 1 {home})"
    )
    op.execute(
        f"UPDATE records SET apart = (SELECT COUNT(*) {others}), "  # noqa: S608
        f"elsewhere = (SELECT CAST(SUM(a.cost) AS BIGINT) {others}) WHERE EXISTS (SELECT 1 {others})"
    )
    op.execute(
        "UPDATE attempts SET price_version = (SELECT r.price_version FROM records r "
        "WHERE r.exchange = attempts.exchange AND r.part = attempts.part) WHERE cost <> 0 AND EXISTS "
        "(SELECT 1 FROM records r WHERE r.exchange = attempts.exchange AND r.part = attempts.part)"
    )
    op.execute(f"UPDATE records SET wasted = cost - elsewhere WHERE {_LOST}")  # noqa: S608
    lost = f"FROM attempts a WHERE {_OWN} AND a.apart = 0 AND NOT a.adopted"
    op.execute(
        f"UPDATE records SET wasted = (SELECT CAST(SUM(a.cost) AS BIGINT) {lost}) "  # noqa: S608
        f"WHERE NOT ({_LOST}) AND EXISTS (SELECT 1 {lost})"
    )


def _fold() -> None:
    """Sum what the ledger holds by hour, and the hours by day."""
    names = ", ".join(_KEY)
    sums = ", ".join(f"CAST(SUM({name}) AS BIGINT)" for name in _SUMS)
    lines = " UNION ALL ".join(_select(*part) for part in (_rows(), _tries(), _minutes()))
    op.execute(
        f"INSERT INTO rollups_hour (hour, {names}, {', '.join(_SUMS)}) "  # noqa: S608
        f"SELECT hour, {names}, {sums} FROM ({lines}) AS lines GROUP BY hour, {names}"
    )
    op.execute(
        f"INSERT INTO rollups_day (day, {names}, {', '.join(_SUMS)}) "  # noqa: S608
        f"SELECT hour / 86400 * 86400 AS day, {names}, {sums} FROM rollups_hour GROUP BY hour / 86400 * 86400, {names}"
    )


def _select(values: dict[str, Any], source: str) -> str:
    columns = [f"{values.get(name, 0)} AS {name}" for name in ("hour", *_KEY, *_SUMS)]
    return f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608


def _hour_of(moment: str) -> str:
    whole = f"CAST({moment} AS INTEGER)" if op.get_context().dialect.name == "sqlite" else f"FLOOR({moment})::BIGINT"
    return f"{whole} / 3600 * 3600"


def _rows() -> tuple[dict[str, Any], str]:
    same = (*_KEY, "bytes_in", "bytes_out", *_TOKENS, "own_cost", "list_cost", "saved", "wasted", "surcharge")
    values = {name: name for name in same} | {
        "hour": _hour_of("started"),
        "requests": f"CASE WHEN {_LAST} THEN 1 ELSE 0 END",
        "attempts": "tried",
        "cost": "cost - elsewhere",
    }
    return values, "records"


def _tries() -> tuple[dict[str, Any], str]:
    mine = {"provider", "target", "price_version"}
    values = {name: f"{'a' if name in mine else 'r'}.{name}" for name in _KEY}
    values |= {name: f"a.{name}" for name in (*_TOKENS, "cost")}
    values |= {"hour": _hour_of("r.started"), "attempts": "1", "wasted": "a.cost"}
    return values, "attempts a JOIN records r ON r.exchange = a.exchange AND r.part = a.part WHERE a.apart = 1"


def _minutes() -> tuple[dict[str, Any], str]:
    absent = ("provider", "key_id", "plan", "price_version", "cache")
    same = (*_KEY, "requests", "bytes_in", "bytes_out", *_TOKENS, "cost", "list_cost", "saved")
    values = {name: name for name in same} | dict.fromkeys(absent, "''")
    values |= {
        "hour": "minute / 3600 * 3600",
        "wasted": f"CASE WHEN {_LOST} THEN cost ELSE 0 END",
    }
    return values, "rollups_minute"
