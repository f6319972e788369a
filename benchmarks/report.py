"""Results as JSON for the ratios' gate, and as tables for people."""

import json
import re
from pathlib import Path

from benchmarks.machine import machine, versions
from benchmarks.ratios import Run, compute, middle
from benchmarks.subjects import Subject
from benchmarks.works import WORKS

COLUMNS = (
    "rps",
    "tokens_s",
    "cpu_us",
    "cpu_us_token",
    "p50_ms",
    "p99_ms",
    "first_byte_p50_ms",
    "event_p50_ms",
    "rss_mb",
)
SATURATED = 0.9
"""Share of its core below which the load side, not the subject, set the rate."""


def results(runs: list[Run], facts: dict[str, dict[str, object]], subjects: list[Subject]) -> dict[str, object]:
    """Everything of one bench; `ratios` holds only what was measured."""
    return {
        "machine": machine(),
        "versions": {**versions(), **{name: fact["version"] for name, fact in facts.items() if fact["version"]}},
        "subjects": facts,
        "skipped": {
            subject.name: subject.missing() or "did not prove its work"
            for subject in subjects
            if subject.name not in facts
        },
        "configurations": {
            subject.name: subject.config.read_text() for subject in subjects if subject.name in facts and subject.config
        },
        "runs": runs,
        **compute(runs),
    }


def write(found: dict[str, object], path: Path) -> None:
    """Write the JSON file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found, indent=1, default=str) + "\n")
    part.replace(path)


def tables(runs: list[Run]) -> str:
    """Medians with the range of the throughput: a table a work, fastest first."""
    parts = []
    for work in WORKS:
        rows = _rows([run for run in runs if run["work"] == work])
        if rows:
            head = f"| {work} | " + " | ".join(("range", *COLUMNS)) + " | |"
            parts.append("\n".join([head, "|" + "---|" * (len(COLUMNS) + 3), *rows]))
    return "\n\n".join(parts)


def _rows(runs: list[Run]) -> list[str]:
    names = dict.fromkeys(str(run["subject"]) for run in runs)
    ranked = []
    for name in names:
        good = [run for run in runs if run["subject"] == name and not run.get("void")]
        if not good:
            ranked.append((0.0, f"| {name} | void |" + " |" * (len(COLUMNS) + 1)))
            continue
        rates = [float(str(run["rps"])) for run in good]
        cells = [_number(middle(good, column)) for column in COLUMNS]
        spread = f"{_number(min(rates))} to {_number(max(rates))}"
        ranked.append(
            (middle(good, "rps") or 0.0, f"| {name} | {spread} | " + " | ".join(cells) + f" | {_remark(good)} |")
        )
    return [row for _, row in sorted(ranked, key=lambda pair: -pair[0])]


def _remark(good: list[Run]) -> str:
    busy = middle(good, "cores")
    saturating = not any(run.get("rate") for run in good) and good[0]["work"] != "stream_paced"
    return (
        "its core was not full: the load side, or others, held it back"
        if saturating and busy is not None and busy < SATURATED
        else ""
    )


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else re.sub(r"\.?0+$", "", f"{value:.2f}") or "0"


def ratio_lines(found: dict[str, object]) -> str:
    """The ratios, one a line: throughput with its range, CPU beside it."""
    ratios, ranges, cpu = (found[part] for part in ("ratios", "ranges", "cpu_ratios"))
    assert isinstance(ratios, dict)
    assert isinstance(ranges, dict)
    assert isinstance(cpu, dict)
    lines = []
    for name, value in ratios.items():
        low, high = ranges.get(name, (value, value))
        lines.append(f"{name:<30}{value:>9.2f}   {low:.2f} to {high:.2f}   by CPU {cpu.get(name, float('nan')):.2f}")
    return "\n".join(lines)
