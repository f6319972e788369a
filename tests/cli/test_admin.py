"""Commands that speak with the gateway that runs: what it answers, and what becomes of problems."""

import json
import os

import pytest
from tests.journeys.running import free_port

from triplegate.cli.admin import Admin, running
from triplegate.cli.failures import Failed
from triplegate.cli.place import Place


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in [name for name in os.environ if name.startswith("TRIPLEGATE_")]:
        monkeypatch.delenv(name)


def test_answers_are_decoded(house):
    admin = Admin(house.admin_url, house.owner)
    assert admin.call("GET", "/whoami")["roles"] == ["owner"]
    made = admin.call("POST", "/keys", body={"org": "acme", "team": "ops", "consumer": "bot"})
    assert admin.call("DELETE", f"/keys/{made['key_id']}") is None


def test_problems_are_told_in_their_own_words(house):
    admin = Admin(house.admin_url, house.owner)
    with pytest.raises(Failed, match=r"^404: "):
        admin.call("POST", "/keys", body={"org": "acme", "team": "web", "consumer": "nobody"})
    with pytest.raises(Failed, match=r"^422: .*by"):
        admin.call("GET", "/usage", query={"by": ["weather"]})


def test_a_wrong_token_says_which_variable_must_hold_a_right_one(house):
    with pytest.raises(Failed, match=r"^401: .*TRIPLEGATE_ADMIN_TOKEN must hold an admin token"):
        Admin(house.admin_url, "tg_admin_wrong").call("GET", "/whoami")


def test_a_gateway_that_does_not_answer_is_named():
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Failed, match=f"the gateway at {url} does not answer"):
        Admin(url, "x").call("GET", "/whoami")


def test_another_server_is_not_taken_for_a_gateway(upstream):
    with pytest.raises(Failed, match="does not answer"):
        Admin("http://[nonsense", "x").call("GET", "/whoami")
    with pytest.raises(Failed, match=r"^501: what answers at .* is no admin API of a gateway"):
        Admin(f"http://127.0.0.1:{upstream}", "x").call("POST", "/keys", body={})


def test_a_gateway_that_runs_is_found_and_needs_a_token(house, monkeypatch):
    place = Place(house.directory, house.directory / ".triplegate")
    with pytest.raises(Failed, match=f"a gateway runs at {house.admin_url}: set TRIPLEGATE_ADMIN_TOKEN"):
        running(place)
    monkeypatch.setenv("TRIPLEGATE_ADMIN_TOKEN", house.owner)
    admin = running(place)
    assert admin is not None
    assert admin.call("GET", "/whoami")["name"] == "first owner"


def test_where_none_runs_there_is_none(tmp_path):
    assert running(Place(tmp_path, tmp_path)) is None


@pytest.mark.parametrize("words", [("key", "list"), ("report", "usage"), ("key", "revoke", "x")])
def test_commands_fail_in_a_sentence_where_the_gateway_is_away_or_the_token_wrong(command, place, house, words):
    away = command(*words, TRIPLEGATE_ADMIN_URL=f"http://127.0.0.1:{free_port()}", TRIPLEGATE_ADMIN_TOKEN="x")
    assert (away.status, away.out) == (1, "")
    assert "does not answer" in away.err
    wrong = command(*words, TRIPLEGATE_ADMIN_URL=house.admin_url, TRIPLEGATE_ADMIN_TOKEN="x")
    assert (wrong.status, wrong.out) == (1, "")
    assert wrong.err.startswith("401: ")


def test_a_missing_token_is_asked_for(command, place, house):
    done = command("key", "list", TRIPLEGATE_ADMIN_URL=house.admin_url)
    assert (done.status, done.out) == (1, "")
    assert "set TRIPLEGATE_ADMIN_TOKEN" in done.err
    assert json.loads((house.directory / ".triplegate" / "running.json").read_text())["addresses"]["control"]
