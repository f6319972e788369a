"""A ledger of any size, made by the database itself: teams, models, providers and keys spread over a month."""

import sqlalchemy as sa

from triplegate.core.usage import CLASSES
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import records

BEGIN = 1_793_491_200
"""2026-11-01, Unix seconds."""
MONTH = 30 * 86_400
TEAMS, MODELS, KEYS = 20, 10, 100
_NUMBERS = """
WITH RECURSIVE digits(d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM digits WHERE d < 999),
numbers(n) AS (SELECT a.d * 1000000 + b.d * 1000 + c.d FROM digits a, digits b, digits c WHERE a.d < :millions)
"""


async def seed(database: Database, count: int) -> None:
    """Put `count` records there (up to 10⁹), by one INSERT … SELECT; each has one attempt, told by its own row."""
    text: dict[str, str] = {
        "exchange": "'x' || n",
        "kind": "'final'",
        "gate": "'llm'",
        "route": f"'model-' || (n % {MODELS})",
        "target": f"'provider-' || (n % 3) || '/model-' || (n % {MODELS})",
        "provider": "'provider-' || (n % 3)",
        "outcome": "CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'ok' END",
        "org": "'acme'",
        "team": f"'team-' || (n % {KEYS} % {TEAMS})",
        "consumer": f"'consumer-' || (n % {KEYS})",
        "key_id": f"'key-' || (n % {KEYS})",
        "plan": "'gold'",
        "price_version": f"'provider-' || (n % 3) || '/model-' || (n % {MODELS}) || '@table#1'",
        "cache": "'none'",
        "usage_source": "'provider'",
    }
    number = {
        "part": "1",
        "started": f"{BEGIN} + n * 1.0 * {MONTH} / :count",
        "cost": "100000 + n % 977",
        "list_cost": "100000 + n % 977",
        "output_text": "n % 500",
        "input_uncached": "n % 2000",
        "tried": "1",
        "wasted": "CASE WHEN n % 50 = 0 THEN 100000 + n % 977 ELSE 0 END",
        "billed": "(1 = 1)",
        "streamed": "(1 = 0)",
    }
    columns = {
        column.name: text.get(column.name)
        or number.get(column.name)
        or ("''" if isinstance(column.type, sa.Text) else "0")
        for column in records.columns
    }
    assert set(CLASSES) <= columns.keys()
    chosen = ", ".join(columns.values())
    insert = f"INSERT INTO records ({', '.join(columns)}) {_NUMBERS} SELECT {chosen} FROM numbers WHERE n < :count"  # noqa: S608
    async with database.writing() as connection:
        if not database.is_sqlite:
            await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        await connection.execute(sa.text(insert), {"count": count, "millions": -(-count // 1_000_000)})
