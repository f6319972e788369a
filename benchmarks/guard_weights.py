"""Fit what concepts and signs say together about orders to a model, and write it into the guard.

    python -m benchmarks.guard_weights --prompts FILE.jsonl [--benign FILE.jsonl …] [--write]

Orders are attacks of --prompts (fields as for benchmarks.guardrails) and of the tests' corpus: the development half of
its files, and its folder fitted, never its folder unseen. Harmless are the rest of both, `prompt` of --benign,
paragraphs of the documentation and docstrings of Python's library. It is a logistic regression: of an attack that
sentence counts which reads most like an order, of harmless texts every one.
"""

import argparse
import ast
import json
import re
import sysconfig
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from triplegate.wire.screening.concepts import NAMES, Concepts
from triplegate.wire.screening.quoted import parts
from triplegate.wire.screening.signs import signs

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "tests" / "wire" / "screening" / "corpus"
WEIGHTS = ROOT / "src" / "triplegate" / "wire" / "screening" / "weights.py"
ALONE = frozenset(
    {"markup that runs", "markup with handlers", "a query that runs", "a command that runs", "a forged turn"}
)
"""Signs that say what they say whatever stands beside them."""
ATTACKS = {
    "jailbreak": 0.5,
    "prompt-injection-direct": 0.3,
    "prompt-injection-indirect": 1.0,
    "system-prompt-extraction": 1.0,
}
"""How much an attack of each category counts; those that are made of few templates count less."""
_OF_CATEGORY = {"benign-document": 5.0, "benign-task": 5.0}
"""How much harmless prompts count that are few."""
_STEPS, _ROUNDS = 350, 4
_PULL, _HARMLESS, _ORDERS = 0.0003, 0.8, 2.5
"""How much weights are drawn to zero, and how much harmless texts count, and orders."""
_LEAST = 0.08
_LONGEST = 6000

Row = tuple[str, float]


def judged(text: str) -> bool:
    """Whether a text of the corpus belongs to the half by which the guard is judged: it is never fitted to."""
    return zlib.crc32(text.encode()) & 1 == 1


def corpus(name: str) -> list[str]:
    """The texts of one file of the corpus."""
    lines = (CORPUS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line]


def texts(prompts: Path, benign: list[Path]) -> tuple[list[Row], list[Row]]:
    """Orders and harmless texts, each with how much it counts."""
    orders: list[Row] = []
    harmless: list[Row] = [(text, 3.0) for text in corpus("benign") if not judged(text)]
    for name in ("direct", "extraction", "jailbreak", "indirect", "languages"):
        orders += [(text, 1.0) for text in corpus(name) if not judged(text)]
    for name in ("direct", "extraction", "jailbreak", "indirect", "languages"):
        orders += [(text, 1.0) for text in corpus(f"fitted/{name}")]
    harmless += [(text, 3.0) for text in corpus("fitted/benign")]
    for line in corpus("development"):
        (orders if line[0] == "+" else harmless).append((line[2:], 1.0 if line[0] == "+" else 3.0))
    for line in prompts.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        if one["label"] == "benign":
            harmless.append((one["text"], _OF_CATEGORY.get(one["category"], 2.0)))
        elif one["category"] in ATTACKS:
            orders.append((one["text"][:_LONGEST], ATTACKS[one["category"]]))
    for path in benign:
        harmless += [(json.loads(line)["prompt"], 0.5) for line in path.read_text(encoding="utf-8").splitlines()[::2]]
    harmless += [(text[:1500], 0.5) for text in (*_paragraphs(), *_docstrings()) if not judged(text)]
    return orders, harmless


def _paragraphs() -> Iterator[str]:
    for path in sorted((ROOT / "docs").rglob("*.md")):
        yield from [part for part in re.split(r"\n\s*\n|\n(?=[*|#-])", path.read_text()) if len(part) > 30]


def _docstrings() -> Iterator[str]:
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and (text := ast.get_docstring(node)):
                yield text


class Fit:
    """The weights of pairs of concepts, of signs, and what a sentence without any has."""

    def __init__(self) -> None:
        count = len(NAMES)
        self._concepts = Concepts()
        self.signs = [sign for sign in signs() if sign.name not in ALONE]
        self.pairs = [(one, two) for one in range(count) for two in range(one, count)]
        self._at = {pair: at for at, pair in enumerate(self.pairs)}
        self.weights: Any = np.zeros(len(self.pairs) + len(self.signs), np.float32)
        self.bias = -3.0

    def windows(self, text: str) -> list[int]:
        """Each sentence as bits: concepts, then the signs of the text."""
        found: list[int] = []
        for part, given in parts(text, self._concepts):
            beside = sum([1 << at for at, sign in enumerate(self.signs) if sign.stands_in(part)]) << len(NAMES)
            found += [mask | beside for mask in self._concepts.of(part, given)] or [beside | given]
        return list(dict.fromkeys(found))

    def row(self, mask: int) -> Any:
        """The same as numbers."""
        on = [bit for bit in range(len(NAMES)) if mask >> bit & 1]
        found = np.zeros_like(self.weights)
        for at, one in enumerate(on):
            found[[self._at[one, two] for two in on[at:]]] = 1
        for at in range(len(self.signs)):
            found[len(self.pairs) + at] = mask >> (len(NAMES) + at) & 1
        return found

    def run(self, orders: list[Row], harmless: list[Row]) -> None:
        """Fit, choosing anew the sentence that counts in each order."""
        counts: Counter[int] = Counter()
        for text, much in harmless:
            for mask in self.windows(text):
                counts[mask] += much  # type: ignore[assignment]
        fine = np.array([self.row(mask) for mask in counts])
        weigh = np.minimum(np.array(list(counts.values()), np.float32), 30) * _HARMLESS
        read = [self.windows(text) for text, _ in orders]
        rows = {mask: self.row(mask) for masks in read for mask in masks}
        chosen = [max(masks, key=int.bit_count) for masks in read]
        much = np.array([two for _, two in orders], np.float32) * _ORDERS
        for _ in range(_ROUNDS):
            self._steps(np.vstack([np.array([rows[mask] for mask in chosen]), fine]), len(chosen), np.r_[much, weigh])
            chosen = [max(masks, key=lambda mask: float(rows[mask] @ self.weights)) for masks in read]
        self.weights[np.abs(self.weights) < _LEAST] = 0

    def _steps(self, rows: Any, orders: int, much: Any) -> None:
        """Adam."""
        aim = np.zeros(len(rows), np.float32)
        aim[:orders] = 1
        much /= much.sum()
        mean, square = np.zeros(len(self.weights) + 1), np.zeros(len(self.weights) + 1)
        for step in range(1, _STEPS + 1):
            wrong = (1 / (1 + np.exp(-(rows @ self.weights + self.bias))) - aim) * much
            slope = np.append(rows.T @ wrong + _PULL * self.weights, wrong.sum())
            mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope * slope
            move = 0.03 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
            self.weights = (self.weights - move[:-1]).astype(np.float32)
            self.bias -= float(move[-1])

    def written(self) -> str:
        """The module that holds them."""
        lines: list[str] = []
        for one, name in enumerate(NAMES):
            line = ""
            for two in range(one, len(NAMES)):
                weight = round(float(self.weights[self._at[one, two]]), 2)
                told = f"{NAMES[two]} {weight:g}"
                if weight and len(line) + len(told) > 115:
                    lines.append(line)
                    line = ""
                if weight:
                    line = f"{line}, {told}" if line else f"{name}: {told}"
            lines += [line] if line else []
        told = [
            f'    "{sign.name}": {round(float(weight), 2):g},'
            for sign, weight in zip(self.signs, self.weights[len(self.pairs) :], strict=True)
        ]
        return _MODULE.format(bias=round(self.bias, 2), weights="\n".join(lines), signs="\n".join(told))


_MODULE = '''"""What concepts in one sentence say for an order to a model, and against: see benchmarks.guard_weights."""

BIAS = {bias}
"""Of a sentence that speaks of nothing."""
WEIGHTS = """
{weights}
"""
"""By concept: itself, or those that stand beside it, and what that adds."""
SIGNS_ADD: dict[str, float] = {{
{signs}
}}
"""What each sign in the text adds."""
'''


def main(arguments: list[str] | None = None) -> None:
    """Read, fit, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard_weights", description=__doc__)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--benign", type=Path, nargs="*", default=[])
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args(arguments)
    fit = Fit()
    fit.run(*texts(chosen.prompts, chosen.benign))
    print(f"{int((fit.weights != 0).sum())} weights, bias {fit.bias:.2f}")
    if chosen.write:
        WEIGHTS.write_text(fit.written(), encoding="utf-8")


if __name__ == "__main__":
    main()
