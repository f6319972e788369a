"""How well the built-in guard tells attacks from harmless prompts, and what that costs.

    python -m benchmarks.guardrails --prompts FILE.jsonl [--threshold 0.6]

Each line of the file has `text`, `label` (attack or benign) and `category`. The last line printed is one JSON object:
by category the share of attacks that were found (`recall`) or of harmless prompts that were taken for one
(`false_positive_rate`), the same over all, and milliseconds that the built-in set (injection, personal data,
secrets) takes for a prompt, of which the first kilobyte is timed.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from triplegate.wire.screening import pii
from triplegate.wire.screening.injection import scorer
from triplegate.wire.screening.secrets import Secrets
from triplegate.wire.screening.spans import found

_KILOBYTE = 1024
_TIMES = 2


def measured(prompts: list[dict[str, Any]], threshold: float) -> dict[str, Any]:
    """The figures of these prompts."""
    score = scorer()
    finders = [*pii.finders(list(pii.KINDS)), Secrets()]

    def all_of_it(text: str) -> None:
        score(text)
        found(finders, text)

    seen: dict[str, list[bool]] = defaultdict(list)
    labels: dict[str, str] = {}
    times: list[float] = []
    for prompt in prompts:
        seen[prompt["category"]].append(score(prompt["text"]).value >= threshold)
        labels[prompt["category"]] = prompt["label"]
        times.append(min(_milliseconds(all_of_it, prompt["text"][:_KILOBYTE]) for _ in range(_TIMES)))
    categories = {name: {"n": len(hits), _figure(labels[name]): _share(hits)} for name, hits in sorted(seen.items())}
    times.sort()
    return {
        "categories": categories,
        "attack_recall": _share([one for name, hits in seen.items() if labels[name] == "attack" for one in hits]),
        "false_positive_rate": _share([one for name, hits in seen.items() if labels[name] != "attack" for one in hits]),
        "ms_p50": round(times[len(times) // 2], 3),
        "ms_p99": round(times[min(len(times) - 1, int(len(times) * 0.99))], 3),
        "threshold": threshold,
    }


def _figure(label: str) -> str:
    return "recall" if label == "attack" else "false_positive_rate"


def _share(hits: list[bool]) -> float:
    return round(sum(hits) / len(hits), 4) if hits else 0.0


def _milliseconds(look: Callable[[str], None], text: str) -> float:
    begun = time.perf_counter()
    look(text)
    return (time.perf_counter() - begun) * 1e3


def main(arguments: list[str] | None = None) -> None:
    """Read, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guardrails", description=__doc__)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--threshold", type=float, default=0.6)
    chosen = parser.parse_args(arguments)
    prompts = [json.loads(line) for line in chosen.prompts.read_text(encoding="utf-8").splitlines() if line.strip()]
    figures = measured(prompts, chosen.threshold)
    for name, figure in figures["categories"].items():
        print(f"{name:28} {figure}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
