"""Keys, at once on the gateway that runs, or in its database while none does: the same words and the same answers."""

import csv
import io
import json
import re
import sqlite3

import httpx
import pytest
from tests.journeys.running import write

PLANNED = "orgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}\nplans: {gold: {}}\n"
SCOPED = """
services: {s: {endpoints: ["http://127.0.0.1:9"]}}
routes: {r: {service: s, match: {path: /r}, policies: [{use: key_auth}, {use: access, scopes: [a, b]}]}}
orgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}
"""
WHO = ("--org", "acme", "--team", "web", "--consumer", "ci")
KEY = r"tg_live_[0-9A-Za-z]{10}_[0-9A-Za-z]+\n"


@pytest.fixture(params=["running", "offline"])
def either(request, command):
    """A command with a gateway that runs, and without one."""
    if request.param == "running":
        return request.getfixturevalue("reach")
    request.getfixturevalue("place")
    return command


def rows(done):
    return json.loads(done.out)


def test_a_key_is_made_listed_and_revoked(either):
    made = either("key", "create", *WHO, "--name", "laptop", "--scope", "read", "--scope", "write")
    assert (made.status, made.err) == (0, "")
    assert re.fullmatch(KEY, made.out)
    key_id = made.out.split("_")[2]
    (listed,) = [one for one in rows(either("key", "list", "--format", "json")) if one["key_id"] == key_id]
    assert (listed["team"], listed["consumer"], listed["name"], listed["revoked"]) == ("web", "ci", "laptop", None)
    gone = either("key", "revoke", key_id)
    assert (gone.status, gone.out) == (0, f"revoked {key_id}\n")
    (listed,) = [one for one in rows(either("key", "list", "--format", "json")) if one["key_id"] == key_id]
    assert listed["revoked"] is not None
    assert either("key", "revoke", key_id).status == 0
    unknown = either("key", "revoke", "abcdefghij")
    assert (unknown.status, unknown.out) == (1, "")
    assert len(unknown.err.splitlines()) == 1


def test_a_secret_is_shown_once_only(either):
    secret = either("key", "create", *WHO).out.strip().split("_")[3]
    for form in ("table", "csv", "json"):
        assert secret not in either("key", "list", "--format", form).out


def test_keys_of_one_team_can_be_listed_alone(either):
    either("key", "create", *WHO)
    either("key", "create", "--org", "acme", "--team", "ops", "--consumer", "bot")
    assert {one["team"] for one in rows(either("key", "list", "--team", "ops", "--format", "json"))} == {"ops"}
    assert {one["team"] for one in rows(either("key", "list", "--format", "json"))} == {"ops", "web"}


def test_a_consumer_that_is_not_there_gets_none(either):
    done = either("key", "create", "--org", "acme", "--team", "web", "--consumer", "nobody")
    assert (done.status, done.out) == (1, "")
    assert "No such org, team or consumer." in done.err


def test_the_end_and_the_environment_are_kept(either):
    made = either("key", "create", *WHO, "--expires", "2031-01-31", "--env", "test")
    assert made.out.startswith("tg_test_")
    key_id = made.out.split("_")[2]
    (listed,) = [one for one in rows(either("key", "list", "--format", "json")) if one["key_id"] == key_id]
    assert listed["expires"][:7] in ("2031-01", "2031-02")


@pytest.mark.parametrize("env", ["", "LIVE", "a_b", "waytoolong"])
def test_an_environment_that_would_not_fit_into_a_key_is_wrong_usage(either, env):
    done = either("key", "create", *WHO, "--env", env)
    assert (done.status, done.out) == (2, "")
    assert "--env takes 2 to 8 small letters" in done.err


def test_a_list_can_be_written_to_a_file(either, tmp_path):
    either("key", "create", *WHO)
    done = either("key", "list", "--format", "csv", "--output", str(tmp_path / "keys.csv"))
    assert (done.status, done.out) == (0, "")
    head, *lines = csv.reader(io.StringIO((tmp_path / "keys.csv").read_text()))
    assert head[:4] == ["key_id", "org", "team", "consumer"]
    assert lines
    failed = either("key", "list", "--output", str(tmp_path / "missing" / "keys.csv"))
    assert failed.status == 1
    assert "No such file or directory" in failed.err


def test_a_key_works_at_once_and_no_longer_once_it_is_revoked(reach, house):
    key = reach("key", "create", *WHO).out.strip()
    headers = {"authorization": f"Bearer {key}"}
    assert httpx.get(f"{house.url}/orders", headers=headers, timeout=10).status_code == 200
    reach("key", "revoke", key.split("_")[2])
    assert httpx.get(f"{house.url}/orders", headers=headers, timeout=10).status_code == 401


def test_a_plan_that_is_not_there_gives_no_key(either):
    done = either("key", "create", *WHO, "--plan", "nowhere")
    assert (done.status, done.out) == (1, "")
    assert "No such plan in this configuration." in done.err


def test_a_key_has_the_plan_that_was_asked_for(command, tmp_path):
    write(tmp_path, PLANNED)
    made = command("key", "create", *WHO, "--plan", "gold")
    assert made.status == 0, made.err
    (listed,) = rows(command("key", "list", "--format", "json"))
    assert listed["plan"] == "gold"


@pytest.mark.parametrize(("scopes", "status"), [(("a", "b"), 0), (("a",), 1)])
def test_a_key_opens_what_its_scopes_say(command, tmp_path, scopes, status):
    write(tmp_path, SCOPED)
    made = command("key", "create", *WHO, *[word for scope in scopes for word in ("--scope", scope)])
    done = command("explain", "GET", "/r", "-H", f"Authorization: Bearer {made.out.strip()}")
    assert done.status == status, done.out


def test_a_key_with_a_budget_spends_no_more(command, tmp_path):
    write(tmp_path, PLANNED)
    assert command("key", "create", *WHO, "--budget", "2.50", "--per", "week").status == 0
    with sqlite3.connect(tmp_path / ".triplegate" / "triplegate.db") as database:
        assert list(database.execute("SELECT budget FROM keys")) == [('[{"money":"2.5","per":"week"}]',)]
    wrong = command("key", "create", *WHO, "--budget", "0")
    assert (wrong.status, len(wrong.err.splitlines())) == (2, 1)
