"""An attempt counts at its endpoint from its begin to its end, once."""

from tests.builders import make_exchange
from tests.upstreams.endpoints import endpoints

from triplegate.upstreams.endpoint import Roster, Use


def test_a_use_counts_until_it_ends_and_ends_once():
    (where, other), roster = endpoints("ab"), Roster()
    first, second, third = Use(where, roster), Use(where, roster), Use(other, roster)
    assert (where.standing.active, where.standing.calls, roster.active) == (2, 2, 3)
    first.end()
    first.end()
    first.closed(make_exchange())
    assert (where.standing.active, roster.active) == (1, 2)
    second.closed(make_exchange())
    third.end()
    assert (where.standing.active, where.standing.calls, roster.active) == (0, 2, 0)


def test_the_turn_of_a_roster_goes_on():
    roster = Roster()
    assert [roster.turn() for _ in range(3)] == [0, 1, 2]
