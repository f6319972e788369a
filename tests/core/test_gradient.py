"""The number of calls follows what an upstream takes, whatever it is, and whatever becomes of it."""

import heapq

from triplegate.core.gradient import Gradient, GradientRules

RULES = GradientRules()


class Simulated:
    """An upstream with so many slots; calls above them wait inside it. Time is counted, not waited for."""

    def __init__(self, slots, seconds):
        self.slots, self.seconds = slots, seconds
        self.now = 100.0
        self.free = [0.0] * slots
        self.calls = []

    def run(self, gradient, seconds, rules=RULES):
        """Keep as many calls under way as the gradient allows; every answer time of the last half."""
        seen, end, half = [], self.now + seconds, self.now + seconds / 2
        while self.now < end:
            while len(self.calls) < gradient.limit(rules):
                begins = max(heapq.heappop(self.free), self.now)
                heapq.heappush(self.free, begins + self.seconds)
                heapq.heappush(self.calls, (begins + self.seconds, self.now))
            done, began = heapq.heappop(self.calls)
            self.now = max(self.now, done)
            gradient.sample(self.now, done - began, len(self.calls) + 1, rules, lambda low, high: 1.0)
            if self.now > half:
                seen.append(done - began)
        return seen


def test_it_finds_what_an_upstream_takes_from_below():
    gradient, upstream = Gradient(), Simulated(20, 0.05)
    times = upstream.run(gradient, 10.0, GradientRules(start=3))
    assert 18 <= gradient.number <= 40
    assert sorted(times)[int(len(times) * 0.99)] <= 3 * 0.05
    assert len(times) >= 0.9 * 20 / 0.05 * 5


def test_it_finds_what_an_upstream_takes_from_above():
    gradient, upstream = Gradient(), Simulated(10, 0.05)
    gradient.best = 0.05
    upstream.run(gradient, 70.0, GradientRules(start=200))
    assert gradient.number <= 25


def test_the_best_time_is_measured_anew_when_the_upstream_has_become_slower_for_good():
    gradient, upstream = Gradient(), Simulated(20, 0.05)
    upstream.run(gradient, 5.0)
    upstream.seconds = 0.2
    upstream.run(gradient, 90.0)
    assert 0.19 <= gradient.best <= 0.3
    assert gradient.number >= 15


def test_bounds_are_kept_and_an_idle_upstream_proves_nothing():
    gradient, rules = Gradient(), GradientRules(start=4, least=3, most=8)
    Simulated(100, 0.05).run(gradient, 5.0, rules)
    assert gradient.limit(rules) == 8
    slow = Simulated(1, 0.05)
    slow.run(gradient, 60.0, rules)
    assert gradient.limit(rules) >= 3
    idle = Gradient()
    for number in range(1000):
        idle.sample(number / 10, 0.05, 1, RULES)
    assert idle.number <= 25


def test_until_anything_is_known_it_is_where_it_starts():
    assert Gradient().limit(GradientRules(start=7)) == 7
