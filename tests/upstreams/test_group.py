"""Who is usable: the ejected are left out until they return, the backups wait, and with too few well all are used."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import make_exchange
from tests.upstreams.endpoints import endpoints

from triplegate.config.documents_api import ServiceDocument
from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.upstreams.endpoint import Roster, Use
from triplegate.upstreams.group import Group

BALANCES = st.sampled_from(["round_robin", "least_request", "latency", "hash"])


def group(names="abcd", weights=None, backups="", balance="round_robin", **written):
    made = endpoints(names, weights, backups)
    if balance == "hash":
        written.setdefault("hash", {"header": "x-user"})
    document = ServiceDocument.model_validate({"endpoints": ["http://x"], "balance": balance, **written})
    return Group("s", made, document, Roster())


def picked(made, now=100.0, count=40):
    return {made.pick(now, b"%d" % number).name for number in range(count)}


def attempted(made, endpoint, error="", *, now=100.0, head=True, seconds=0.01, blameless=False):
    """One attempt at an endpoint, reported."""
    exchange = make_exchange()
    attempt = exchange.attempt(Target("service", "s"))
    attempt.use = Use(endpoint, made.roster)
    attempt.use.blameless = blameless
    attempt.error_class = error
    attempt.numbers.dispatched = now - seconds
    attempt.numbers.upstream_head = now if head else 0.0
    attempt.numbers.status = 503 if error else 200
    made.note(attempt, now)
    attempt.use.end()


def fail(made, name, times, **how):
    endpoint = next(one for one in made.endpoints if one.name == name)
    for _ in range(times):
        attempted(made, endpoint, "transient", **how)
    return endpoint


OUTLIER = {"consecutive": 3, "eject_for": "10s"}


def test_one_that_fails_in_a_row_is_left_alone_and_comes_back():
    made = group(outlier=OUTLIER)
    fail(made, "a", 2)
    assert picked(made) == set("abcd")
    fail(made, "a", 1)
    assert picked(made, 100) == set("bcd")
    assert picked(made, 109.9) == set("bcd")
    assert picked(made, 110) == set("abcd")
    assert made.endpoints[0].standing.why == "3 failures in a row; the last: status 503"


def test_without_rules_nobody_is_left_alone():
    made = group()
    fail(made, "a", 50)
    assert picked(made) == set("abcd")
    assert made.endpoints[0].standing.failed == 50


def test_no_more_than_the_share_are_left_alone():
    made = group(outlier={**OUTLIER, "max_ejected": 50})
    for name in "abc":
        fail(made, name, 9)
    assert picked(made) == set("cd")


def test_with_too_few_well_all_are_used():
    made = group(outlier={**OUTLIER, "max_ejected": 100}, panic=50)
    fail(made, "a", 3)
    fail(made, "b", 3)
    assert picked(made) == set("cd")
    assert not made.panicking
    fail(made, "c", 3)
    assert picked(made) == set("abcd")
    assert made.panicking


def test_without_panic_nobody_well_is_a_refusal_that_says_when():
    made = group("ab", outlier={**OUTLIER, "max_ejected": 100}, panic=0)
    fail(made, "a", 3)
    fail(made, "b", 3, now=104)
    with pytest.raises(Refusal) as caught:
        made.pick(106)
    assert (caught.value.code, caught.value.retry_after) == ("upstream_open", 4)


def test_backups_get_calls_only_while_too_few_others_are_well():
    made = group("abz", backups="z", outlier={**OUTLIER, "max_ejected": 100}, panic=60)
    assert picked(made) == set("ab")
    fail(made, "a", 3)
    assert picked(made) == set("bz")
    fail(made, "b", 3)
    assert picked(made) == set("z")
    assert picked(made, 110) == set("ab")


def test_weight_zero_gets_nothing():
    made = group("ab", [1, 0])
    assert picked(made) == {"a"}


def test_an_answer_that_is_slow_counts_as_failed_when_told_so():
    made = group(outlier={**OUTLIER, "slow": "1s"})
    for _ in range(3):
        attempted(made, made.endpoints[0], seconds=1.5)
    assert picked(made) == set("bcd")
    assert "first byte after 1.5 s" in made.endpoints[0].standing.why


@pytest.mark.parametrize(
    ("error", "how"),
    [("client", {"head": False}), ("transient", {"blameless": True}), ("rate", {}), ("client", {})],
)
def test_what_is_not_the_endpoints_fault_ejects_nobody(error, how):
    made = group(outlier=OUTLIER)
    for _ in range(9):
        attempted(made, made.endpoints[0], error, **how)
    assert picked(made) == set("abcd")


def test_one_that_came_back_grows_to_its_share():
    made = group("ab", outlier=OUTLIER, slow_start="10s")
    fail(made, "a", 3)
    made.pick(109)

    def share(now):
        return Counter(made.pick(now).name for _ in range(2000))["a"] / 2000

    assert share(110) == pytest.approx(0.1 / 1.1, abs=0.02)
    assert share(115) == pytest.approx(0.5 / 1.5, abs=0.02)
    assert share(120) == pytest.approx(0.5, abs=0.01)


def test_all_new_endpoints_begin_with_their_whole_share():
    made = group("ab", [3, 1], slow_start="10s")
    assert Counter(made.pick(1.0).name for _ in range(40)) == {"a": 30, "b": 10}


def test_the_faster_one_gets_more():
    made = group("ab", balance="latency")
    for _ in range(3):
        attempted(made, made.endpoints[0], seconds=0.5)
        attempted(made, made.endpoints[1], seconds=0.01)
    assert picked(made) == {"b"}


def test_the_less_busy_one_gets_more():
    made = group("ab", balance="least_request")
    made.endpoints[0].standing.active = 3
    assert picked(made) == {"b"}


def test_one_key_stays_and_calls_without_a_key_take_turns():
    made = group(balance="hash")
    assert len({made.pick(100, b"alice").name for _ in range(20)}) == 1
    assert {made.pick(100).name for _ in range(20)} == set("abcd")


@given(BALANCES, st.integers(1, 4))
def test_a_retry_goes_where_the_call_has_not_been_and_else_anywhere(balance, count):
    made = group("abcd"[:count], balance=balance)
    tried = []
    for _ in range(count):
        tried.append(made.pick(100, b"key", tried))
    assert len(set(tried)) == count
    assert made.pick(100, b"key", tried) in tried


@given(BALANCES, st.integers(2, 4), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), max_size=40))
def test_an_ejected_one_is_never_picked_unless_all_are(balance, count, failures):
    made = group("abcd"[:count], balance=balance, outlier={**OUTLIER, "consecutive": 1, "max_ejected": 100})
    now = 100.0
    for place, later in failures:
        now += later
        endpoint = made.endpoints[place % count]
        attempted(made, endpoint, "transient", now=now)
        for key in (b"a", b"b", None):
            chosen = made.pick(now, key)
            assert made.panicking or not chosen.standing.ejected_until
            assert made.panicking == (sum(not one.standing.ejected_until for one in made.endpoints) * 100 < 30 * count)


def marks(made, name, *answers, now=100.0):
    endpoint = next(one for one in made.endpoints if one.name == name)
    for well in answers:
        made.mark(endpoint, "" if well else "status 500", now)
    return endpoint


HEALTH = {"healthy": 2, "unhealthy": 3}


def test_the_first_answer_decides_alone():
    made = group(health=HEALTH)
    assert picked(made) == set("abcd")
    marks(made, "a", 0)
    assert picked(made) == set("bcd")


def test_so_many_bad_answers_in_a_row_end_it_and_so_many_good_ones_bring_it_back():
    made = group(health=HEALTH)
    marks(made, "a", 1, 0, 0, 1, 0, 0)
    assert picked(made) == set("abcd")
    marks(made, "a", 0)
    assert picked(made) == set("bcd")
    marks(made, "a", 1, 0, 1)
    assert picked(made) == set("bcd")
    endpoint = marks(made, "a", 1, now=130.0)
    assert picked(made, 130) == set("abcd")
    assert endpoint.standing.since == 130


def test_what_was_found_counts_only_while_somebody_asks():
    made = group(health=HEALTH)
    marks(made, "a", 0)
    document = ServiceDocument.model_validate({"endpoints": ["http://x"]})
    assert picked(Group("s", made.endpoints, document, made.roster)) == set("abcd")


def test_its_state_is_told_in_a_word_and_why():
    made = group(health=HEALTH, outlier=OUTLIER, slow_start="10s")
    assert made.state_of(made.endpoints[3], 100) == ("unknown", "")
    marks(made, "a", 0)
    assert made.state_of(made.endpoints[0], 100) == ("down", "status 500")
    fail(made, "b", 3)
    assert made.state_of(made.endpoints[1], 103)[0] == "ejected"
    assert made.state_of(made.endpoints[1], 103)[1].endswith("back in 7 s")
    made.pick(110)
    assert made.state_of(made.endpoints[1], 115) == ("starting", "at 50 %")
    assert made.state_of(made.endpoints[1], 120) == ("up", "")
