"""Served is what is sure enough on average; audits see whether that is true, and close what is not."""

import msgspec
import pytest

from triplegate.stores.semantic.judging import Judged
from triplegate.stores.semantic.namespace import COMPLAINT, Namespace, wilson
from triplegate.stores.semantic.neighbours import Candidate
from triplegate.stores.semantic.verdict import Seen

GOOD = Candidate("a", Seen(0.97, 0.5, 1.0, 8, 0.0, same=False).features(), 0.97, "e", "", frozenset({"a"}))
POOR = Candidate("b", Seen(0.70, 0.69, 0.4, 1, 0.6, same=False).features(), 0.70, "f", "", frozenset({"b"}))
LITERAL = Candidate("c", Seen(0.99, 0.98, 0.5, 1, 0.0, same=True).features(), 0.99, "g", "", frozenset({"c"}))


@pytest.mark.parametrize(
    ("wrong", "of", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 50, 0.0, 0.0713), (5, 50, 0.0435, 0.2136), (50, 50, 0.9287, 1.0)],
)
def test_wilsons_interval(wrong, of, low, high):
    assert wilson(wrong, of) == pytest.approx((low, high), abs=1e-4)


def learnt(delta=0.02):
    """A namespace that has seen that good candidates are right and poor ones are not."""
    namespace = Namespace(delta, 0.02, seed=1)
    for number in range(400):
        for one, right in ((GOOD, True), (POOR, number % 3 == 0)):
            namespace.asked(one.features)
            namespace.learn(one, namespace.chance(one), right, audited=False)
    namespace.verdict.fit()
    namespace.settle()
    return namespace


def test_it_serves_what_it_has_seen_to_be_right_and_nothing_else():
    namespace = learnt()
    decisions = {namespace.decide(namespace.chance(GOOD)) for _ in range(50)}
    assert decisions == {"serve", "audit"}
    assert namespace.decide(namespace.chance(POOR)) == "ask"


def test_nothing_is_served_before_anything_is_known():
    namespace = Namespace(0.02, 0.02, seed=1)
    assert namespace.decide(namespace.chance(GOOD)) == "ask"


def test_early_hits_are_audited_often_and_later_ones_as_said():
    namespace = learnt()
    early = [namespace.decide(0.999) for _ in range(40)].count("audit")
    for _ in range(3000):
        namespace.decide(0.999)
    late = [namespace.decide(0.999) for _ in range(2000)].count("audit")
    assert early >= 10
    assert 20 <= late <= 65


def test_audits_that_fail_close_it_and_seen_questions_open_it_again():
    namespace = learnt()
    audits = 0
    while not namespace.closed and audits < 50:
        namespace.learn(GOOD, namespace.chance(GOOD), right=False, audited=True)
        audits += 1
    assert audits == 2  # the lower bound of 2 of 2 is far above 2 %
    assert namespace.decide(0.999) == "ask"
    assert namespace.told().closed
    for _ in range(200):
        namespace.learn(GOOD, namespace.chance(GOOD), right=True, audited=False)
    assert not namespace.closed
    assert (namespace.audits, namespace.wrong) == (0, 0)


def test_one_failed_audit_among_many_does_not():
    namespace = learnt()
    for number in range(60):
        namespace.learn(GOOD, namespace.chance(GOOD), right=number != 30, audited=True)
    assert not namespace.closed
    told = namespace.told()
    assert (told.audits, told.wrong) == (60, 1)
    assert told.error[0] < 1 / 60 < told.error[1]


def test_more_errors_than_were_expected_make_it_stricter():
    calm, doubted = learnt(), learnt()
    for namespace in (calm, doubted):
        for number in range(200):
            namespace.learn(GOOD, 0.99, right=namespace is calm or number % 67 != 5, audited=True)
    assert doubted.threshold >= calm.threshold


def test_what_callers_complain_of_counts_as_a_failed_audit():
    namespace = learnt()
    namespace.doubt()
    namespace.doubt()
    assert namespace.closed


def test_the_same_words_are_as_good_as_equal_until_they_are_seen_not_to_be():
    namespace = Namespace(0.02, 0.02, seed=1)
    assert namespace.decide(namespace.chance(LITERAL)) in ("serve", "audit")
    for _ in range(3):
        namespace.learn(LITERAL, 0.99, right=False, audited=False)
    assert namespace.decide(namespace.chance(LITERAL)) == "ask"


def test_vetoes_are_told_with_the_last_pairs():
    namespace = Namespace(0.02, 0.02)
    for number in range(30):
        namespace.vetoed("numbers", number / 100)
    told = namespace.told()
    assert told.vetoes == {"numbers": 30}
    assert told.pairs[-1] == ("numbers", "0.29")
    assert len(told.pairs) == 20


def test_another_rate_holds_from_now_on():
    namespace = learnt(0.02)
    before = namespace.threshold
    namespace.take(0.1, 0.02)
    assert namespace.threshold < before


def test_what_judges_said_is_counted_and_told_to_other_nodes():
    one, other, third = Namespace(0.02, 0.02), Namespace(0.02, 0.02), Namespace(0.02, 0.02)
    for number in range(30):
        one.judged("cheap", Judged("same" if number else "apart", 70), number / 100)
    one.judged("cheap", Judged(""), 0.9)
    other.hear(msgspec.structs.replace(COMPLAINT, **one.fresh()))
    third.absorb(one.sum_up(""))
    for namespace in (one, other, third):
        told = namespace.told()
        assert (told.judge, told.judge_cost, told.judged) == ("cheap", 2100, {"apart": 1, "same": 29})
    assert one.told().verdicts[-1] == ("same", "0.29")
    assert len(one.told().verdicts) == 20
    assert (one.fresh()["judged"], one.fresh()["judge_cost"]) == ({}, 0)
