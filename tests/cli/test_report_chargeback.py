"""Who pays, on a terminal and as files: the gateway's own numbers, or the database's while none runs."""

import csv
import io
import json
import re
import shlex

import httpx
import pytest
from tests.control.reports.focus_checker import faults
from tests.docs.reference import DOCS
from tests.journeys.running import House
from tests.stores.ledger_records import record

from triplegate.core.clock import SystemClock
from triplegate.stores.spool import Spool

WHOLE = ("report", "chargeback", "--since", "2020-01-01")


def spend(house, calls, key):
    for _ in range(calls):
        answer = httpx.get(f"{house.url}/orders", headers={"authorization": f"Bearer {key}"}, timeout=10)
        assert answer.status_code == 200


def test_with_and_without_a_gateway_the_numbers_are_the_same(command, place, tmp_path):
    made = command("key", "create", "--org", "acme", "--team", "web", "--consumer", "ci")
    with House(place) as house:
        spend(house, 3, made.out.strip())
        house.admin("GET", "/whoami")
        running = command("report", "chargeback", "--format", "json", TRIPLEGATE_ADMIN_TOKEN=house.owner)
        exported = command("report", "chargeback", "--format", "focus")
    assert (running.status, running.err) == (0, "")
    told = json.loads(running.out)
    [line] = told["lines"]
    assert (line["org"], line["team"], line["requests"], line["cost"], line["share"]) == (
        "acme",
        "web",
        3,
        "1.5",
        "100",
    )
    offline = command("report", "chargeback", "--format", "json")
    assert (offline.status, offline.err) == (0, "")
    again = json.loads(offline.out)
    for one in (*told["lines"], *again["lines"]):
        del one["as_of"]
    assert again["lines"] == told["lines"]
    focus_is_the_same(command, exported, tmp_path)


def focus_is_the_same(command, exported, tmp_path):
    offline = command("report", "chargeback", "--format", "focus", "--grain", "day")
    assert (exported.status, offline.status, exported.out) == (0, 0, offline.out)
    rows = list(csv.DictReader(io.StringIO(offline.out, newline="")))
    assert faults(rows) == []
    assert [(row["SkuMeter"], row["BilledCost"], row["ListUnitPrice"]) for row in rows] == [("Requests", "1.5", "0.5")]
    hourly = command("report", "chargeback", "--format", "focus", "--grain", "hour")
    assert hourly.out != offline.out
    told = command("report", "chargeback", "--format", "focus", "--output", str(tmp_path / "focus.parquet"))
    if told.status:
        assert "parquet needs pyarrow" in told.err
    else:
        assert (tmp_path / "focus.parquet").read_bytes().startswith(b"PAR1")


def test_the_table_says_as_of_when_and_sums_up(reach, house):
    spend(house, 1, house.key())
    done = reach("report", "chargeback", "--by", "team,consumer,model")
    assert done.status == 0, done.err
    head, *_, total, blank, foot = done.out.splitlines()
    assert head.split()[:5] == ["team", "consumer", "model", "requests", "cost"]
    assert (total.split()[0], blank) == ("total", "")
    assert re.fullmatch(r"as of [\dT:-]+Z; \d{4}-\d\d: \S+ to \S+, compared with \d{4}-\d\d; cost in US dollars", foot)
    assert "\x1b" not in done.out


def test_it_can_be_written_to_a_file(reach, tmp_path, house):
    spend(house, 1, house.key())
    target = tmp_path / "november.csv"
    done = reach(*WHOLE, "--by", "team", "--format", "csv", "--output", str(target))
    assert (done.status, done.out, done.err) == (0, "", "")
    [row] = csv.DictReader(io.StringIO(target.read_bytes().decode(), newline=""))
    assert (row["team"], row["kind"]) == ("web", "usage")


@pytest.mark.parametrize(("form", "library", "magic"), [("parquet", "pyarrow", b"PAR1"), ("xlsx", "openpyxl", b"PK")])
def test_files_of_libraries_or_how_to_get_them(reach, tmp_path, form, library, magic):
    target = tmp_path / f"report.{form}"
    done = reach("report", "chargeback", "--format", form, "--output", str(target))
    if done.status:  # what the gateway's own installation lacks
        assert f"501: {form} needs {library}: pip install 'triplegate[reports]'" in done.err
    else:
        assert target.read_bytes().startswith(magic)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "weather"), "by takes org, team"),
        (("--by", ","), "by takes org, team"),
        (("--period", "soon"), "a period is 2026-11, 2026-Q4"),
        (("--period", "2026-13"), "there is no 2026-13"),
        (("--since", "2026-01-02", "--until", "2026-01-01"), "since is not before until"),
        (("--until", "2026-01-01"), "say a period, or since and until"),
        (("--format", "pdf"), "pdf"),
    ],
)
def test_wrong_usage_is_said(command, place, words, said):
    done = command("report", "chargeback", *words)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


def test_a_running_gateway_says_what_is_wrong_as_well(reach):
    done = reach("report", "chargeback", "--by", "weather")
    assert done.status == 1
    assert "by takes org, team" in done.err


def test_a_terminal_gets_no_bytes(command, place, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    done = command("report", "chargeback", "--format", "parquet")
    assert (done.status, done.out, done.err) == (2, "", "parquet is not for a terminal: say --output FILE\n")


COMMANDS = re.findall(r"^\$ triplegate (.*)$", (DOCS / "chargeback.md").read_text(), re.MULTILINE)


def test_the_docs_have_commands():
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_docs_works(command, place, line):
    (place / "tags.yaml").write_text('chargeback: {tags: {web: {cost_center: "4711"}}}\n')
    done = command(*shlex.split(line))
    assert (done.status, done.err) == (0, "")


def test_entries_that_wait_on_disk_are_told(command, place):
    spool = Spool(place / ".triplegate" / "spool", "node", SystemClock())
    spool.append(record(exchange="E1"))
    spool.close()
    done = command(*WHOLE, "--format", "csv")
    assert done.err == "warning: 1 entry waits on disk and not in this report; start the gateway to book them\n"
