"""What an address of a page of costs asks: a period, a dimension, and never more than the caller's own."""

from datetime import date

import pytest
from litestar.exceptions import ValidationException

from triplegate.control.admin.access import Caller
from triplegate.control.pages.asked import asked

NOW = 1_795_527_000.0  # 2026-11-24 13:30 UTC
OPERATOR = Caller("t", "op", frozenset({"viewer"}))
WEB = Caller("t", "web", frozenset({"viewer"}), "acme", "web")


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, date(2026, 10, 26), date(2026, 11, 24)),
        ({"period": "today"}, date(2026, 11, 24), date(2026, 11, 24)),
        ({"period": "7d"}, date(2026, 11, 18), date(2026, 11, 24)),
        ({"period": "month"}, date(2026, 11, 1), date(2026, 11, 24)),
        ({"period": "last"}, date(2026, 10, 1), date(2026, 10, 31)),
        ({"first": "2026-02-27", "last": "2026-03-01"}, date(2026, 2, 27), date(2026, 3, 1)),
        ({"period": "", "first": "2026-11-20"}, date(2026, 11, 20), date(2026, 11, 24)),
    ],
)
def test_periods_are_days_in_utc(query, first, last):
    said = asked(query, OPERATOR, NOW)
    assert (said.first, said.last) == (first, last)
    assert said.question.until - said.question.since == ((last - first).days + 1) * 86_400


@pytest.mark.parametrize(
    "query",
    [
        {"period": "ever"},
        {"first": "tomorrow"},
        {"first": "2026-11-24", "last": "2026-11-01"},
        {"first": "2020-01-01", "last": "2026-11-01"},
        {"by": "colour"},
    ],
)
def test_what_cannot_be_read_is_named(query):
    with pytest.raises(ValidationException) as found:
        asked(query, OPERATOR, NOW)
    assert found.value.extra[0]["key"] in query


def test_a_caller_of_one_team_is_held_to_it_whatever_the_address_says():
    said = asked({"org": "umbrella", "team": "books", "model": "smart"}, WEB, NOW)
    assert said.question.where == {"org": "acme", "team": "web", "model": "smart"}
    assert asked({"org": "umbrella"}, OPERATOR, NOW).question.where == {"org": "umbrella"}


def test_links_keep_the_question_and_change_one_part():
    said = asked({"period": "7d", "by": "model", "consumer": "a b&c"}, OPERATOR, NOW)
    assert said.link() == "period=7d&by=model&consumer=a+b%26c"
    assert said.link(by="key", consumer="") == "period=7d&by=key"
    days = asked({"first": "2026-11-20", "last": "2026-11-21"}, OPERATOR, NOW)
    assert days.link() == "by=team&first=2026-11-20&last=2026-11-21"
