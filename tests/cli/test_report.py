"""What was used and what it cost: the gateway's own numbers, or the database's while none runs."""

import csv
import io
import json
import re

import httpx
import pytest
from tests.journeys.running import House
from tests.stores.ledger_records import intent, record

from triplegate.core.clock import SystemClock
from triplegate.stores.spool import Spool


def spend(house, calls, key):
    for _ in range(calls):
        answer = httpx.get(f"{house.url}/orders", headers={"authorization": f"Bearer {key}"}, timeout=10)
        assert answer.status_code == 200


def test_with_and_without_a_gateway_the_numbers_are_the_same(command, place):
    made = command("key", "create", "--org", "acme", "--team", "web", "--consumer", "ci")  # offline, and good later
    with House(place) as house:
        spend(house, 3, made.out.strip())
        house.admin("GET", "/whoami")
        running = command("report", "usage", "--format", "json", TRIPLEGATE_ADMIN_TOKEN=house.owner)
    assert (running.status, running.err) == (0, "")
    (row,) = json.loads(running.out)
    assert (row["team"], row["requests"], row["refused"], row["failed"]) == ("web", 3, 0, 0)
    assert row["cost"] == "1.5"
    offline = command("report", "usage", "--format", "json")
    assert (offline.status, offline.err) == (0, "")
    assert json.loads(offline.out) == [row]


def test_the_table_says_as_of_when_and_is_plain_in_a_pipe(reach, house):
    spend(house, 1, house.key())
    done = reach("report", "usage", "--by", "team,consumer")
    assert done.status == 0, done.err
    head, row, _, foot = done.out.splitlines()
    assert head.split() == ["team", "consumer", "requests", "refused", "failed", "tokens_in", "tokens_out", "cost"]
    assert row.split()[:2] == ["web", "ci"]
    assert re.fullmatch(r"as of [\d-]+ [\d:]+ UTC, since [\d-]+ [\d:]+ UTC; cost in US dollars", foot)
    assert "\x1b" not in done.out


def test_it_can_be_written_to_a_file(reach, tmp_path, house):
    done = reach("report", "usage", "--by", "route", "--format", "csv", "--output", str(tmp_path / "usage.csv"))
    assert (done.status, done.out, done.err) == (0, "", "")
    assert next(csv.reader(io.StringIO((tmp_path / "usage.csv").read_text())))[:2] == ["route", "requests"]


def test_a_period_without_calls_is_empty(reach):
    done = reach("report", "usage", "--since", "2020-01-01", "--until", "2020-01-02", "--format", "json")
    assert (done.status, done.out) == (0, "[]\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "weather"), "--by takes org, team"),
        (("--by", ","), "not nothing"),
        (("--since", "2026-01-02", "--until", "2026-01-01"), "--since must be before --until"),
        (("--since", "yesterday"), "yesterday"),
    ],
)
def test_wrong_usage_is_said(command, place, words, said):
    done = command("report", "usage", *words)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


def test_every_dimension_of_the_help_is_one_of_the_ledgers(reach, command, place):
    named = re.search(r"commas: ([a-z_, \n│]+)\.", command("report", "usage", "--help", COLUMNS="200").out)[1]
    asked = re.sub(r"[\s│]", "", named)
    assert reach("report", "usage", "--by", asked).status == 0
    assert command("report", "usage", "--by", asked).status == 0


def test_entries_that_wait_on_disk_are_counted_not_booked(command, place):
    spool = Spool(place / ".triplegate" / "spool", "node", SystemClock())
    for number in range(3):
        spool.append(record(exchange=f"E{number}"))
    spool.append(intent("E9"))
    spool.close()
    said = "warning: 4 entries wait on disk and not in this report; start the gateway to book them\n"
    for _ in range(2):  # looking changes nothing
        done = command("report", "usage", "--format", "json")
        assert (done.status, done.out, done.err) == (0, "[]\n", said)
    with House(place) as house:
        house.admin("GET", "/usage")
    done = command("report", "usage", "--since", "2020-01-01", "--format", "json")
    assert done.err == ""
    assert [row["requests"] for row in json.loads(done.out)] == [4]
