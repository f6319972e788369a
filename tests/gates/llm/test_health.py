"""What is known of a deployment while calls go there."""

from tests.builders import make_exchange, make_house, make_kit

from triplegate.core.catalog import Target
from triplegate.core.clock import SetClock
from triplegate.core.usage import Usage
from triplegate.gates.llm.health import Health, Outputs


class Case:
    def __init__(self, **more):
        self.clock, self.kit = SetClock(), make_kit()
        self.health = self.made(**more)
        self.exchange = make_exchange(house=make_house(self.clock))

    def made(self, credential="p:k", group="g", counted=True, watched=True):
        return Health(self.kit, credential, "m", group, counted=counted, watched=watched)

    def attempt(self, kind="", status=200, wait=None, head=0.5, health=None):
        health = health or self.health
        attempt = self.exchange.attempt(Target("deployment", "a"))
        attempt.numbers.dispatched = self.clock.now()
        health.begin(self.exchange, attempt, 10, 5, self.clock.now())
        if head:
            attempt.numbers.upstream_head = self.clock.now() + head
        attempt.error_class, attempt.numbers.status, attempt.wait = kind, status, wait
        health.report(attempt, self.clock.now())
        return attempt


def test_a_429_cools_the_group_for_as_long_as_was_asked_and_others_of_it_too():
    case = Case()
    sibling = case.made(credential="p:other")
    case.attempt("rate", 429, wait=7.0)
    assert sibling.bar(case.clock.now() + 6.9) == "its quota group is left alone for 0.1 s: rate, status 429"
    assert sibling.bar(case.clock.now() + 7.0) == ""


def test_a_key_that_is_refused_is_dead_for_every_deployment_that_has_it_and_the_group_is_not():
    case = Case()
    same_key, other_key = case.made(group="other"), case.made(credential="p:other")
    case.attempt("credential", 401)
    now = case.clock.now()
    assert same_key.bar(now) == "its key is left alone for 60 s: status 401"
    assert (other_key.bar(now), same_key.bar(now + 60)) == ("", "")
    same_key.key.well()  # another value was found there
    assert case.health.bar(now) == ""


def test_our_own_full_pool_says_nothing_about_the_group():
    case = Case()
    case.attempt("overload", 503, head=0)
    assert case.health.bar(case.clock.now()) == ""


def test_another_failure_lets_the_next_call_try_and_an_answer_ends_the_pause():
    case = Case()
    case.attempt("overload", 529)
    case.clock.advance(5.0)
    case.attempt("transient", 500)
    assert case.health.bar(case.clock.now()) == ""
    assert case.health.group.until
    case.attempt()
    assert not case.health.group.until


def test_what_is_under_way_is_counted_until_it_ends_and_long_answers_are_learned():
    case = Case()
    attempt = case.attempt()
    assert case.health.standing.active == 1
    attempt.usage = Usage(output_text=40, source="provider")
    case.exchange.close("ok")
    assert (case.health.standing.active, case.health.outputs.usual(512)) == (0, 40)
    case.attempt("transient", 500)
    assert case.health.standing.active == 0
    assert case.health.standing.seconds >= 1  # failing at once draws no calls


def test_what_is_not_needed_is_not_counted():
    case = Case(counted=False, watched=False)
    case.attempt()
    case.health.heard([(b"x-ratelimit-limit-tokens", b"9"), (b"x-ratelimit-remaining-tokens", b"1")], 0.0, 0.0)
    assert (case.health.standing.calls, case.health.quotas.left, case.exchange.closers) == (0, {}, [])


def test_the_usual_answer_is_the_middle_one():
    outputs = Outputs()
    assert outputs.usual(512) == 512
    for tokens in (10, 1000, 20):
        outputs.add(tokens)
    assert outputs.usual(512) == 20
