"""A breaker opens by failures in a row, by shares of failed or slow calls, probes, and stays open over a reload."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.builders import make_exchange, make_kit

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.policy import BreakerRules
from triplegate.upstreams.breaker import Breaker, Window

RULES = BreakerRules(failures=3, open_for=5.0, longest=12.0)
RATES = BreakerRules(failures=None, rate=0.5, volume=10, window=10.0, open_for=5.0)
SLOW = BreakerRules(failures=None, slow=2.0, slow_rate=0.5, volume=4)


def took(breaker, now, rules=RULES, *, failed=False, seconds=0.0):
    breaker.take(now, now, rules, failed=failed, took=seconds)


def broken(now, rules=RULES):
    breaker = Breaker()
    for _ in range(rules.failures):
        took(breaker, now, rules, failed=True)
    return breaker


def test_only_failures_in_a_row_open_it():
    breaker = Breaker()
    for _ in range(10):
        took(breaker, 1.0, failed=True)
        took(breaker, 1.0, failed=True)
        took(breaker, 1.0)
    assert breaker.allow(1.0, RULES)
    breaker = broken(1.0)
    assert breaker.state(1.0) == "open"
    assert not breaker.allow(5.9, RULES)


def test_one_probe_at_a_time_and_a_good_one_closes():
    breaker = broken(1.0)
    assert breaker.state(6.0) == "half-open"
    assert breaker.allow(6.0, RULES)
    assert not breaker.allow(6.0, RULES)
    took(breaker, 6.0)
    assert breaker.state(6.0) == "closed"
    assert breaker.allow(6.0, RULES)


def test_a_failed_probe_opens_it_for_longer_up_to_a_bound():
    breaker = broken(0.0)
    assert breaker.until == 5.0
    now = 5.0
    for length in (10.0, 12.0, 12.0):
        assert breaker.allow(now, RULES)
        took(breaker, now, failed=True)
        assert breaker.until == now + length
        now = breaker.until


def test_a_probe_that_never_came_back_is_replaced():
    breaker = broken(0.0)
    assert breaker.allow(5.0, RULES)
    assert not breaker.allow(9.9, RULES)
    assert breaker.allow(10.0, RULES)


def test_so_many_probes_as_are_permitted_must_all_be_good():
    rules = BreakerRules(failures=1, open_for=5.0, permits=3)
    for bad in (False, True):
        breaker = broken(0.0, rules)
        assert [breaker.allow(5.0, rules) for _ in range(4)] == [True, True, True, False]
        took(breaker, 5.0, rules)
        took(breaker, 5.0, rules)
        assert breaker.state(5.0) == "half-open"
        took(breaker, 5.0, rules, failed=bad)
        assert breaker.state(5.0) == ("open" if bad else "closed")


def test_stragglers_neither_keep_it_open_nor_close_it():
    breaker = broken(1.0)
    for failed in (True, False) * 5:
        breaker.take(0.5, 6.5, RULES, failed=failed)
    assert breaker.until == 6.0
    assert breaker.state(6.5) == "half-open"


def test_a_share_of_failures_opens_it_once_there_were_enough_calls():
    breaker = Breaker()
    for number in range(9):
        took(breaker, 1.0, RATES, failed=number % 2 == 0)
    assert breaker.state(1.0) == "closed", "nine calls are too few to judge by"
    took(breaker, 1.0, RATES)
    assert breaker.state(1.0) == "open"


def test_what_is_older_than_the_window_is_forgotten():
    breaker = Breaker()
    for _ in range(9):
        took(breaker, 1.0, RATES, failed=True)
    for _ in range(9):
        took(breaker, 12.5, RATES)
    took(breaker, 12.5, RATES, failed=True)
    assert breaker.state(12.5) == "closed"


def test_a_share_of_slow_calls_opens_it_and_a_slow_probe_keeps_it_open():
    breaker = Breaker()
    for seconds in (0.1, 0.1, 3.0, 2.1):
        took(breaker, 1.0, SLOW, seconds=seconds)
    assert breaker.state(1.0) == "open"
    assert breaker.allow(6.0, SLOW)
    took(breaker, 6.0, SLOW, seconds=2.5)
    assert breaker.until == 16.0


def test_how_long_an_attempt_took_is_read_from_its_numbers():
    breaker, exchange = Breaker(), make_exchange()
    for _ in range(4):
        attempt = exchange.attempt(Target("service", "a"))
        attempt.numbers.dispatched, attempt.numbers.upstream_head = 10.0, 12.5
        breaker.note(attempt, 13.0, SLOW)
    assert breaker.state(13.0) == "open"
    with pytest.raises(Refusal, match="upstream_open") as caught:
        breaker.check(14.0, SLOW, "orders")
    assert caught.value.retry_after == 4.0


def test_an_attempt_that_was_not_sent_says_nothing():
    breaker, exchange = Breaker(), make_exchange()
    attempt = exchange.attempt(Target("service", "a"))
    attempt.error_class = "transient"
    for _ in range(5):
        breaker.note(attempt, 1.0, RULES)
    assert breaker.failures == 0


def test_it_outlives_a_reload_and_new_rules_hold_at_once():
    kit = make_kit()
    breaker = kit.state(Breaker, "service:a", Breaker)
    for _ in range(3):
        took(breaker, 0.0, failed=True)
    again = kit.state(Breaker, "service:a", Breaker)
    assert not again.allow(1.0, BreakerRules(failures=100))
    assert again.state(1.0) == "open"


class Against(RuleBasedStateMachine):
    """The breaker beside a model that keeps every call and counts anew each time."""

    RULES = BreakerRules(
        failures=6, rate=0.5, slow=1.0, slow_rate=0.5, volume=4, window=10.0, open_for=4.0, longest=8.0
    )

    def __init__(self):
        super().__init__()
        self.breaker = Breaker()
        self.now = 1000.0
        self.calls = []
        self.row = self.rounds = 0
        self.until = self.opened = 0.0
        self.out = []
        """When each call that is under way was sent."""

    def model_opens(self):
        self.opened, self.until = self.now, self.now + min(4.0 * 2**self.rounds, 8.0)
        self.rounds += 1
        self.calls, self.row = [], 0

    @rule(seconds=st.sampled_from([0.25, 1.0, 4.0, 11.0]))
    def time_goes_by(self, seconds):
        self.now += seconds

    @rule()
    def a_call_wants_out(self):
        probing = [began for began in self.out if began > self.opened]
        allowed = self.breaker.allow(self.now, self.RULES)
        if not self.until:
            assert allowed
        elif self.now < self.until:
            assert not allowed
        elif not probing or self.now >= max(probing) + 4.0:
            assert allowed, "a lost probe is replaced"
        if allowed and len(self.out) < 20:
            self.out.append(self.now)

    @precondition(lambda self: self.out)
    @rule(failed=st.booleans(), slow=st.booleans(), which=st.integers(0, 19))
    def a_call_comes_back(self, failed, slow, which):
        began = self.out.pop(which % len(self.out))
        self.breaker.take(began, self.now, self.RULES, failed=failed, took=1.5 if slow else 0.5)
        if self.until:
            if began > self.opened and self.now >= self.until:
                if failed or slow:
                    self.model_opens()
                else:
                    self.until = self.opened = 0.0
                    self.calls, self.row, self.rounds = [], 0, 0
            return
        self.row = self.row + 1 if failed else 0
        self.calls.append((int(self.now), failed, slow))
        recent = [call for call in self.calls if call[0] > int(self.now) - 10]
        enough = len(recent) >= 4
        if self.row >= 6 or (
            enough
            and (
                sum(call[1] for call in recent) * 2 >= len(recent) or sum(call[2] for call in recent) * 2 >= len(recent)
            )
        ):
            self.model_opens()

    @invariant()
    def both_stand_alike(self):
        wanted = "closed" if not self.until else "open" if self.now < self.until else "half-open"
        assert self.breaker.state(self.now) == wanted
        assert self.breaker.until == self.until


TestAgainstAModel = Against.TestCase
TestAgainstAModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_window_counts_what_is_in_it():
    window = Window()
    for second in range(25):
        window.add(float(second), 10.0, failed=second % 5 == 0, slow=True)
    assert (window.calls, window.failed, window.slow) == (10, 2, 10)
    window.add(25.0, 20.0, failed=False, slow=False)
    assert window.calls == 1, "another length counts anew"
