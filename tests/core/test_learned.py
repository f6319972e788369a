"""Corrections of estimates: they converge, are not led astray, and are bounded."""

import math

import pytest

from triplegate.core import learned as module
from triplegate.core.learned import Learned


@pytest.mark.parametrize("factor", [0.4, 1.0, 1.25, 3.0])
def test_a_biased_stream_converges(factor):
    learned = Learned()
    for at in range(60):
        tokens = 300 + 40 * (at % 7)
        learned.learn_input("m", tokens, round(tokens * factor))
    assert learned.corrected("m", 400, sure=False) == pytest.approx(400 * factor, rel=0.05)
    assert learned.corrected("m", 1000, sure=False) == pytest.approx(1000 * factor, rel=0.12)
    assert 0.9 <= learned.corrected("m", 1000, sure=True) / (1000 * factor) < 1.35


def test_a_preamble_to_every_call_is_told_apart_from_the_size_of_the_text():
    learned = Learned()
    for at in range(60):
        tokens = 40 * 2 ** (at % 6)
        learned.learn_input("m", tokens, round(tokens * 1.1 + 340))
    for tokens in (40, 300, 2000):
        assert learned.corrected("m", tokens, sure=False) == pytest.approx(tokens * 1.1 + 340, rel=0.1)


def test_a_model_that_changes_is_followed():
    learned = Learned()
    for factor in (1.0, 1.4):
        for _ in range(100):
            learned.learn_input("m", 1000, round(1000 * factor))
    assert learned.corrected("m", 1000, sure=False) == pytest.approx(1400, rel=0.05)


def test_the_margin_grows_with_the_spread():
    steady, wild = Learned(), Learned()
    for at in range(100):
        steady.learn_input("m", 1000, 1000)
        wild.learn_input("m", 1000, 700 if at % 2 else 1400)
    assert steady.corrected("m", 1000, sure=True) < 1100 < wild.corrected("m", 1000, sure=True)


def test_one_answer_that_is_off_by_a_thousand_moves_little():
    learned = Learned()
    for _ in range(50):
        learned.learn_input("m", 1000, 1000)
    learned.learn_input("m", 1000, 1_000_000)
    assert learned.corrected("m", 1000, sure=False) < 1050


def test_small_calls_teach_less():
    learned = Learned()
    learned.learn_input("m", 10, 20)
    assert learned.corrected("m", 1000, sure=False) < 1100


@pytest.mark.parametrize(("tokens", "actual"), [(100, 0), (100, -7), (0, 100), (-5, 100)])
def test_what_is_no_count_teaches_nothing(tokens, actual):
    learned = Learned()
    learned.learn_input("m", tokens, actual)
    learned.learn_output("m", "k", min(actual, 0))
    assert learned.corrected("m", 1000, sure=False) == 1000
    assert learned.output("m", "k") == 0


def test_other_vendors_models_begin_with_what_is_known_of_their_family():
    learned = Learned()
    assert learned.corrected("claude-sonnet-4-5", 1000, sure=False) == 1350
    assert learned.corrected("anthropic.claude-3-haiku", 1000, sure=False) == 1150
    assert learned.corrected("gpt-4o", 1000, sure=False) == 1000


def test_nothing_is_ever_zero():
    assert Learned().corrected("m", 0.001, sure=False) == 1


def test_nineteen_of_twenty_answers_are_not_longer():
    learned = Learned()
    lengths = [10 + at % 100 for at in range(400)]
    for tokens in lengths:
        learned.learn_output("m", "k", tokens)
    usual = learned.output("m", "k")
    assert sum(tokens <= usual for tokens in lengths) / len(lengths) >= 0.95
    assert usual < 110 * 1.2


def test_a_callers_own_answers_count_for_it_and_everybodys_for_a_new_one():
    learned = Learned()
    for _ in range(30):
        learned.learn_output("m", "brief", 20)
        learned.learn_output("m", "verbose", 4000)
    assert learned.output("m", "brief") < 30
    assert learned.output("m", "verbose") > 4000
    assert learned.output("m", "new") > 4000
    assert learned.output("other", "brief") == 0


def test_old_answers_are_forgotten():
    learned = Learned()
    for tokens in (4000, 50):
        for _ in range(3000):
            learned.learn_output("m", "k", tokens)
    assert learned.output("m", "k") < 64


def test_a_few_answers_are_not_believed_yet():
    learned = Learned()
    for _ in range(5):
        learned.learn_output("m", "k", 3)
    assert learned.output("m", "k") == 0


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MODELS", 10)
    monkeypatch.setattr(module, "CALLERS", 10)
    learned = Learned()
    for at in range(100):
        learned.learn_input(f"m{at}", 1000, 2000)
        learned.learn_output("m", f"k{at}", 50)
    assert len(learned._corrections) == len(learned._outputs) == 10
    assert learned.corrected("m99", 1000, sure=False) > 1000
    assert learned.corrected("m0", 1000, sure=False) == 1000


def test_answers_of_any_length_are_taken():
    learned = Learned()
    for _ in range(30):
        learned.learn_output("m", "k", 2**53)
    assert learned.output("m", "k") > 0
    assert math.isfinite(learned.output("m", "k"))


def test_of_answers_that_were_foreseen_one_in_four_is_looked_at_and_all_again_once_one_was_not():
    learned = Learned()

    def looked_at(answers, factor):
        before = learned._corrections["m"].seen if learned._corrections else 0
        for _ in range(answers):
            learned.learn_input("m", 1000, round(1000 * factor))
        return learned._corrections["m"].seen - before

    assert looked_at(100, 1.0) == pytest.approx(64 + 9, abs=2)
    assert looked_at(400, 1.0) == pytest.approx(100, abs=4)
    assert looked_at(60, 1.3) > 50


def test_callers_in_turns_are_all_looked_at():
    learned = Learned()
    for at in range(800):
        learned.learn_input("m", 1000, (1000, 1100, 900, 1050)[at % 4])
    assert learned.corrected("m", 1000, sure=False) == pytest.approx(1000, rel=0.06)
    assert 1000 < learned.corrected("m", 1000, sure=True) < 1200


def test_what_is_used_is_kept_longest(monkeypatch):
    monkeypatch.setattr(module, "MODELS", 10)
    learned = Learned()
    for at in range(30):
        learned.learn_input("busy", 1000, 2000)
        learned.learn_input(f"m{at}", 1000, 2000)
    assert learned.corrected("busy", 1000, sure=False) > 1500
