"""What the semantic cache is measured against on the same stream: a static threshold, and vCache (arXiv 2502.03771)."""

import math
import random
from typing import Any

import numpy as np

from benchmarks.scripted_answers import Answers

STATIC = ("0.80", "0.85", "0.90", "0.92", "0.95", "0.96", "0.97", "0.98")
_FEW = 6
"""Observations below which vCache always explores."""


def static(vectors: Any, classes: list[str], threshold: float, noise: float) -> dict[str, float]:
    """Serve the nearest stored answer from the threshold on; store every miss."""
    answers = Answers(sorted(set(classes)), noise)
    kept = np.zeros_like(vectors)
    stored: list[str] = []
    hits = wrong = 0
    for vector, wanted in zip(vectors, classes, strict=True):
        if stored:
            alike = kept[: len(stored)] @ vector
            best = int(alike.argmax())
            if alike[best] >= threshold:
                hits += 1
                wrong += stored[best] != wanted
                continue
        kept[len(stored)] = vector
        stored.append(answers.pick(wanted))
    return _told(hits, wrong, len(classes))


def vcache(vectors: Any, classes: list[str], delta: float, noise: float) -> dict[str, float]:
    """A logistic of its own for each entry, explored with the probability that its bound leaves."""
    answers, chance = Answers(sorted(set(classes)), noise), random.Random(5)
    kept = np.zeros_like(vectors)
    stored: list[str] = []
    seen: list[list[tuple[float, bool]]] = []
    hits = wrong = 0
    for vector, wanted in zip(vectors, classes, strict=True):
        if not stored:
            kept[0] = vector
            stored.append(answers.pick(wanted))
            seen.append([])
            continue
        alike = kept[: len(stored)] @ vector
        best = int(alike.argmax())
        if len(seen[best]) >= _FEW and chance.random() > _explores(float(alike[best]), seen[best], delta):
            hits += 1
            wrong += stored[best] != wanted
            continue
        fresh = answers.pick(wanted)
        seen[best].append((float(alike[best]), fresh == stored[best]))
        if fresh != stored[best]:
            kept[len(stored)] = vector
            stored.append(fresh)
            seen.append([])
    return _told(hits, wrong, len(classes))


def _explores(alike: float, seen: list[tuple[float, bool]], delta: float) -> float:
    right = [s for s, c in seen if c]
    false = [s for s, c in seen if not c]
    if not right or not false or min(right) > max(false):
        middle = (min(right) + max(false)) / 2 if right and false else (max(false) + 1) / 2 if false else min(right)
        steep, spread = 50.0, max(0.01, 0.035 - 0.004 * (len(seen) - _FEW))
    else:
        steep, middle, spread = _fitted(seen)
    best = 1.0
    for step in range(1, 50):
        epsilon = step / 50
        moved = min(1.0, max(0.0, middle + _quantile(1 - epsilon) * spread))
        sure = (1 - epsilon) / (1 + math.exp(-max(-30.0, min(30.0, steep * (alike - moved)))))
        best = min(best, 1 - delta / (1 - sure) if sure < 1 else 0.0)
    return best


def _fitted(seen: list[tuple[float, bool]]) -> tuple[float, float, float]:
    x = np.array([[1.0, s] for s, _ in seen])
    y = np.array([float(c) for _, c in seen])
    beta = np.zeros(2)
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        curve = (x * (p * (1 - p))[:, None]).T @ x + 1e-3 * np.eye(2)
        beta += np.clip(np.linalg.solve(curve, x.T @ (y - p) - 1e-3 * beta), -5, 5)
    steep = max(float(beta[1]), 1e-6)
    gradient = np.array([-1 / steep, float(beta[0]) / steep**2])
    spread = math.sqrt(max(0.0, float(gradient @ np.linalg.inv(curve) @ gradient)))
    return steep, min(1.0, max(0.0, -float(beta[0]) / steep)), min(spread, 1.0)


def _quantile(p: float) -> float:
    """Of the standard normal distribution, by bisection."""
    low, high = -6.0, 6.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 * (1 + math.erf(middle / math.sqrt(2))) < p else (low, middle)
    return low


def _told(hits: int, wrong: int, count: int) -> dict[str, float]:
    return {"hit_rate": round(hits / count, 4), "wrong_of_hits": round(wrong / hits, 4) if hits else 0.0}
