"""How sure it is that a remembered answer is the right one: a logistic over all that was seen, with its doubt.

The pooled model of llm.md §10.5: ridge logistic regression towards shipped weights, Newton's method with step halving,
and the lower bound of its probability. Signs are fixed: more alike never makes an answer less likely to be right.
"""

from collections import OrderedDict
from collections.abc import Sequence
from math import exp, log1p, sqrt
from typing import Any

import msgspec
import numpy as np

Vector = Any  # a numpy array; its type parameters would say nothing here

NAMES = ("bias", "similarity", "margin", "share", "support", "novelty", "same")
PRIOR = (-1.39, 1.01, 0.0, 0.31, 0.0, 0.0, 1.33)
"""Weights to begin with: fitted on public pairs of questions (QQP, PAWS), where hardly any two share an answer."""
_TRUST = 0.3
"""Precision of the prior: what a namespace has seen soon counts more."""
_DOUBT = 0.5
"""Standard deviations that a probability is lowered by."""
_SPREAD = 0.1
"""Variance among answers that look alike."""
_EFFECTS = 20
"""Observations of one answer that are kept."""
_MOST = 5000
"""Observations kept; the oldest go."""
_ROUNDS = 30
_LOWEST = np.array([-np.inf, 0.0, 0.0, 0.0, 0.0, -np.inf, 0.0])
_HIGHEST = np.array([np.inf, np.inf, np.inf, np.inf, np.inf, 0.0, np.inf])


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What was seen of one candidate: the answer that the nearest questions favour."""

    similarity: float
    """Cosine with the nearest question that got this answer and may be compared."""
    rival: float
    """Cosine with the nearest question that got another one."""
    share: float
    """Weight of this answer among the neighbours, 0 to 1."""
    support: int
    """Neighbours that got it."""
    novelty: float
    """Share of the question's words that none of them has."""
    same: bool
    """One of them says the same words."""

    def features(self) -> tuple[float, ...]:
        """As the model reads them, in the order of `NAMES`."""
        return (
            1.0,
            10.0 * (self.similarity - 0.8),
            10.0 * min(self.similarity - self.rival, 0.5),
            4.0 * (self.share - 0.5),
            log1p(self.support) - 0.7,
            self.novelty,
            float(self.same),
        )


def sigmoid(value: float) -> float:
    """The logistic function."""
    return 1.0 / (1.0 + exp(-max(-30.0, min(30.0, value))))


class Verdict:
    """What a namespace has learnt: weights, their covariance, and what they were learnt from."""

    __slots__ = ("_covariance", "_effects", "_new", "_seen", "beta")

    def __init__(self) -> None:
        self.beta: Vector = np.array(PRIOR)
        self._covariance: Vector = np.eye(len(PRIOR)) / _TRUST
        self._seen: list[tuple[tuple[float, ...], str, bool]] = []
        """Features, answer, and whether it was right."""
        self._new = 0
        self._effects: OrderedDict[str, list[tuple[float, bool]]] = OrderedDict()
        """By answer: what the weights said of each observation, and what was true."""

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def seen(self) -> Sequence[tuple[tuple[float, ...], str, bool]]:
        """All that it learns from: features, answer, and whether it was right."""
        return self._seen

    def chance(self, features: Sequence[float], answer: str = "") -> float:
        """Lower bound of the probability that the answer is right; what is known of this very answer counts."""
        x = np.array(features)
        effect, doubt = self._effect(answer)
        deviation = sqrt(max(0.0, float(x @ self._covariance @ x)) + doubt)
        return sigmoid(float(x @ self.beta) + effect - _DOUBT * deviation)

    def chances(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """The same of many at once, of answers that nothing is known of."""
        x = np.array(rows)
        deviations = np.sqrt(np.maximum(0.0, ((x @ self._covariance) * x).sum(axis=1)) + _SPREAD)
        scores = np.clip(x @ self.beta - _DOUBT * deviations, -30.0, 30.0)
        return (1.0 / (1.0 + np.exp(-scores))).tolist()  # type: ignore[no-any-return]

    def _effect(self, answer: str) -> tuple[float, float]:
        """How much likelier this answer is right than others like it, and the variance of that (llm.md §10.5)."""
        seen = self._effects.get(answer)
        if not seen:
            return 0.0, _SPREAD
        effect, precision = 0.0, 1.0 / _SPREAD
        for _ in range(6):
            chances = [sigmoid(score + effect) for score, _ in seen]
            slope = -effect / _SPREAD + sum([right - chance for chance, (_, right) in zip(chances, seen, strict=True)])
            precision = 1.0 / _SPREAD + sum([chance * (1 - chance) for chance in chances])
            effect += max(-2.0, min(2.0, slope / precision))
        return effect, 1.0 / precision

    def note(self, features: Sequence[float], answer: str, right: bool) -> None:
        """One more observation; `due` tells when to learn from them."""
        self._seen.append((tuple(features), answer, right))
        del self._seen[:-_MOST]
        self._new += 1
        seen = self._effects.setdefault(answer, [])
        seen.append((float(np.array(features) @ self.beta), right))
        del seen[:-_EFFECTS]
        self._effects.move_to_end(answer)
        if len(self._effects) > _MOST:
            self._effects.popitem(last=False)

    @property
    def due(self) -> bool:
        """Whether there is enough news to learn from: 50 observations, or a quarter more than were known."""
        return self._new >= min(50, max(10, len(self) // 4))

    def fit(self) -> None:
        """Learn from all observations. Takes some milliseconds: never on the loop."""
        self._new = 0
        seen = list(self._seen)  # one step: the loop may add to it meanwhile
        features, labels = np.array([x for x, _, _ in seen]), np.array([right for _, _, right in seen], dtype=float)
        self.beta, self._covariance = fitted(features, labels, self.beta)


def fitted(features: Vector, labels: Vector, start: Vector) -> tuple[Vector, Vector]:
    """The most likely weights, and their covariance."""
    prior, precision = np.array(PRIOR), np.eye(features.shape[1]) * _TRUST

    def loss(beta: Vector) -> float:
        z = features @ beta
        return float((np.logaddexp(0, z) - labels * z).sum() + 0.5 * _TRUST * ((beta - prior) ** 2).sum())

    beta = np.clip(start, _LOWEST, _HIGHEST).astype(float)
    known = loss(beta)
    for _ in range(_ROUNDS):
        gradient, curvature = _slopes(features, labels, beta, prior, precision)
        free = ~(((beta <= _LOWEST) & (gradient > 0)) | ((beta >= _HIGHEST) & (gradient < 0)))
        step = np.zeros_like(beta)
        step[free] = -np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        better, found = _halved(beta, step, known, loss)
        if known - found < 1e-6:
            break
        beta, known = better, found
    _, curvature = _slopes(features, labels, beta, prior, precision)
    return beta, np.linalg.inv(curvature)


def _slopes(features: Vector, labels: Vector, beta: Vector, prior: Vector, precision: Vector) -> tuple[Vector, Vector]:
    chances = 1.0 / (1.0 + np.exp(-np.clip(features @ beta, -30, 30)))
    weights = chances * (1 - chances)
    gradient = features.T @ (chances - labels) + precision @ (beta - prior)
    return gradient, (features * weights[:, None]).T @ features + precision


def _halved(beta: Vector, step: Vector, known: float, loss: Any) -> tuple[Vector, float]:
    """The step, halved until it helps; where none does, where it began."""
    length = 1.0
    while length > 1e-4:
        better = np.clip(beta + length * step, _LOWEST, _HIGHEST)
        found = loss(better)
        if found < known:
            return better, found
        length /= 2
    return beta, known
