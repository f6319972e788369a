"""Why a match won, and why the others did not."""

import pytest
from msgspec.structs import replace
from tests.builders import make_inbound

from triplegate.gates.api.match import Matcher
from triplegate.gates.api.rule import Rule, Section
from triplegate.gates.api.weigh import MOST, weigh
from triplegate.wire.pattern import pattern

WON = Rule("won", "a.test", "/x/y", False, frozenset({"GET"}), ((b"v", b"1"),), 1, (("q", "1"),), created=1.0)


def told(*rules, sections=(), **more):
    inbound = replace(make_inbound(path="/x/y/z", headers=[(b"v", b"1"), (b"w", b"1")]), query=b"q=1", **more)
    return weigh(Matcher(rules, sections), inbound)


@pytest.mark.parametrize(
    ("other", "line"),
    [
        ({"host": "*"}, "lost  x * prefix /x/y GET header v query q: a less specific host"),
        ({"host": "*.test"}, "lost  x *.test prefix /x/y GET header v query q: a less specific host"),
        ({"path": "/x"}, "lost  x a.test prefix /x GET header v query q: a less specific path"),
        ({"pattern": pattern("/x.*")}, "lost  x a.test regex /x/y GET header v query q: a less specific path"),
        ({"methods": frozenset()}, "lost  x a.test prefix /x/y header v query q: no method named"),
        ({"headers": ()}, "lost  x a.test prefix /x/y GET query q: fewer headers"),
        ({"query": ()}, "lost  x a.test prefix /x/y GET header v: fewer query parameters"),
        ({"created": 2.0}, "lost  x a.test prefix /x/y GET header v query q: younger"),
        ({}, "lost  x a.test prefix /x/y GET header v query q: later by name"),
        ({"name": "n"}, "lost  x (n) a.test prefix /x/y GET header v query q: later by name"),
        ({"route": "won", "order": 2}, "lost  won a.test prefix /x/y GET header v query q: later in the route"),
        ({"methods": frozenset({"PUT"})}, "missed  x a.test prefix /x/y PUT header v query q: method PUT"),
        ({"headers": ((b"w", b"2"),)}, "missed  x a.test prefix /x/y GET header w query q: header w"),
        (
            {"query": (("q", "1"), ("r", pattern(".")))},
            "missed  x a.test prefix /x/y GET header v query q query r: query parameter r",
        ),
        ({"listeners": frozenset({"i"})}, "missed  x a.test prefix /x/y GET header v query q: not on listener data"),
        (
            {"section": "s"},
            "missed  x a.test prefix /x/y GET header v query q: native routes go before those of Gateways",
        ),
        ({"host": "b.test"}, None),
        ({"path": "/x/yy"}, None),
        ({"exact": True}, None),
    ],
)
def test_exp1_the_first_difference_is_told(other, line):
    loser = replace(WON, **{"route": "x", **other})
    lines = told(loser, WON, sections=[Section("s")])
    assert lines[0] == "won  won a.test prefix /x/y GET header v query q"
    assert lines[1:] == ([] if line is None else [line])


def test_rules_of_other_sections_are_named_as_such():
    owned, other = replace(WON, section="s"), replace(WON, route="x", section="t")
    lines = told(other, owned, sections=[Section("s", host="a.test"), Section("t")])
    assert lines[1].endswith(": another listener of a Gateway owns this host")


def test_near_misses_come_after_those_that_lost_and_there_is_an_end_to_them():
    many = [replace(WON, route=f"m{n:02}", methods=frozenset({"PUT"})) for n in range(MOST)]
    lines = told(*many, replace(WON, route="x"), WON)
    assert (lines[1][:7], lines[2].split()[:2]) == ("lost  x", ["missed", "m00"])
    assert lines[-1] == "… and 1 more"


def test_without_a_winner_what_comes_near_is_told():
    assert told(replace(WON, methods=frozenset({"PUT"}))) == [
        "missed  won a.test prefix /x/y PUT header v query q: method PUT"
    ]
