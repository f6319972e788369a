"""A period is charged again: shown first, then corrected, once, and noted in the audit log."""

import asyncio
import json

import msgspec
import pytest
import sqlalchemy as sa
from tests.journeys.running import write
from tests.stores.ledger_records import ATTEMPT, record

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.migrate import migrate
from triplegate.stores.sql.tables import audit, prices
from triplegate.stores.sql.usage import usage_rows

TEXT = """
providers: {p: {base_url: "http://127.0.0.1:9/v1", auth: null, models: {x: {input: 2, output: 10}}}}
models: {smart: {deployments: [{provider: p, model: x}]}}
llm: {policies: [{use: key_auth}]}
orgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}
"""
TOKENS = (1_000, 0, 0, 0, 0, 0, 100, 0, 0)
PERIOD = ("--from", "2026-01-01", "--until", "2026-02-01")


async def _fill(path):
    database = Database(f"sqlite:///{path}")
    await migrate(database)
    paid = msgspec.structs.replace(
        ATTEMPT, provider="p", target="p/x", tokens=TOKENS, cost=10_000_000, price_version="p/x@own#old"
    )
    await SqlLedger(database).write(
        [record(exchange=f"x{n}", tokens=TOKENS, cost=10_000_000, attempts=(paid,)) for n in range(3)]
    )
    await database.close()


async def _read(path):
    database = Database(f"sqlite:///{path}")
    try:
        [row] = await usage_rows(database, ["team"], 0, 2e9)
        async with database.reading() as connection:
            noted = list(await connection.execute(sa.select(audit)))
            known = list(await connection.execute(sa.select(prices.c.version)))
        return row.cost, noted, [row.version for row in known]
    finally:
        await database.close()


@pytest.fixture
def path(tmp_path, command):
    write(tmp_path, TEXT)
    path = tmp_path / ".triplegate" / "triplegate.db"
    path.parent.mkdir(exist_ok=True)
    asyncio.run(_fill(path))
    return path


def test_it_shows_then_corrects_once_and_notes_who_did_it(command, path):
    shown = command("report", "rerate", *PERIOD)
    assert (shown.status, shown.err) == (0, "")
    head, row, *_ = shown.out.splitlines()
    assert head.split() == ["org", "team", "model", "calls", "changed", "before", "after", "difference"]
    assert row.split() == ["acme", "web", "smart", "3", "3", "0.003", "0.009", "0.006"]
    assert "nothing is written; --apply writes it as corrections" in shown.out
    assert asyncio.run(_read(path)) == (30_000_000, [], [])
    done = command("report", "rerate", *PERIOD, "--apply")
    assert (done.status, "3 corrections written" in done.out) == (0, True)
    cost, [noted], known = asyncio.run(_read(path))
    assert (cost, noted.action, noted.actor[:6], len(known)) == (90_000_000, "rerate", "shell:", 1)
    assert json.loads(noted.detail)["difference"] == "0.006"
    again = command("report", "rerate", *PERIOD, "--apply")
    assert (again.status, "0 corrections written" in again.out) == (0, True)
    assert asyncio.run(_read(path)) == (cost, [noted], known)


def test_prices_of_a_file(command, path, tmp_path_factory):
    file = tmp_path_factory.mktemp("prices") / "new.yaml"
    file.write_text("p/x: {input: 4}\n")
    shown = command("report", "rerate", *PERIOD, "--prices", str(file), "--format", "json")
    [row] = json.loads(shown.out)
    assert (row["before"], row["after"], row["difference"]) == ("0.003", "0.012", "0.009")


def test_wrong_usage_is_said(command, path, tmp_path):
    assert "before --until" in command("report", "rerate", "--from", "2026-01-02", "--until", "2026-01-01").err
    missing = command("report", "rerate", *PERIOD, "--prices", str(tmp_path / "none.yaml"))
    assert (missing.status, "none.yaml" in missing.err) == (1, True)
