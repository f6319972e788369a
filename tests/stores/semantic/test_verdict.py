"""The model against a slow reference, its signs, its prior, and what is known of one answer."""

import numpy as np
import pytest

from triplegate.stores.semantic.verdict import NAMES, PRIOR, Seen, Verdict, fitted, sigmoid

ALIKE = Seen(0.95, 0.6, 1.0, 5, 0.0, same=False)
UNLIKE = Seen(0.62, 0.61, 0.3, 1, 0.8, same=False)


def drawn(count=400, seed=3):
    random = np.random.default_rng(seed)
    features = np.hstack([np.ones((count, 1)), random.normal(size=(count, len(NAMES) - 1))])
    true = np.array([0.3, 0.8, 0.5, 0.4, 0.2, -0.6, 0.7])
    return features, (random.random(count) < 1 / (1 + np.exp(-features @ true))).astype(float), true


def test_the_weights_are_those_that_gradient_descent_finds():
    features, labels, _ = drawn()
    beta, covariance = fitted(features, labels, np.array(PRIOR))
    slow, prior = np.array(PRIOR), np.array(PRIOR)
    for _ in range(60_000):
        chances = 1 / (1 + np.exp(-features @ slow))
        slow = slow - 0.002 * (features.T @ (chances - labels) + 0.3 * (slow - prior))
    assert np.allclose(beta, slow, atol=1e-3)
    weights = (p := 1 / (1 + np.exp(-features @ beta))) * (1 - p)
    curvature = (features * weights[:, None]).T @ features + 0.3 * np.eye(len(NAMES))
    assert np.allclose(covariance, np.linalg.inv(curvature))


def test_more_alike_never_makes_less_likely():
    features, labels, _ = drawn()
    beta, _ = fitted(features, 1 - labels, np.array(PRIOR))
    assert all(beta[1:5] >= 0)
    assert beta[5] <= 0
    assert beta[6] >= 0


def test_without_a_word_of_its_own_it_goes_by_the_prior_less_its_doubt():
    verdict = Verdict()
    plain = sigmoid(float(np.array(ALIKE.features()) @ np.array(PRIOR)))
    assert 0 < verdict.chance(ALIKE.features()) < plain
    assert verdict.chance(UNLIKE.features()) < 0.1


def test_one_class_only_does_not_break_the_fit():
    for right in (True, False):
        verdict = Verdict()
        for _ in range(60):
            verdict.note(ALIKE.features(), "a", right)
        before = verdict.chance(ALIKE.features())
        verdict.fit()
        after = verdict.chance(ALIKE.features(), "another")
        assert np.isfinite(verdict.beta).all()
        assert (after > before) is right or abs(after - before) > 0.01


def test_what_is_known_of_an_answer_counts_for_it_alone():
    verdict = Verdict()
    base = verdict.chance(ALIKE.features(), "other")
    for _ in range(10):
        verdict.note(ALIKE.features(), "good", right=True)
        verdict.note(ALIKE.features(), "bad", right=False)
    assert verdict.chance(ALIKE.features(), "good") > base > verdict.chance(ALIKE.features(), "bad")


def test_it_says_when_there_is_enough_to_learn():
    verdict = Verdict()
    for number in range(10):
        assert not verdict.due
        verdict.note(ALIKE.features(), "a", bool(number % 2))
    assert verdict.due
    verdict.fit()
    assert not verdict.due
    assert len(verdict) == 10


@pytest.mark.parametrize("value", [-1e9, 0.0, 1e9])
def test_the_logistic_function_stays_within_its_bounds(value):
    assert 0 < sigmoid(value) < 1 or value == 0.0
