"""The run: every subject is started once and proved, then they take turns, round after round, one at a time."""

import json
import subprocess
from collections.abc import Callable, Iterable
from typing import NamedTuple

from benchmarks import wrk
from benchmarks.machine import cores, pinned
from benchmarks.proof import prove
from benchmarks.ratios import Run
from benchmarks.running import Mock, NotUp, Running
from benchmarks.subjects import Subject, python_module
from benchmarks.works import WORKS, Work

Say = Callable[[str], None]


class Plan(NamedTuple):
    """What is run, and how long."""

    seconds: float
    warm: float
    rounds: int
    works: frozenset[str]
    redis: str = ""
    rest: float = 0.0
    """Seconds in which a subject that has just started must have taken no CPU before its first turn."""


def start(subject: Subject, upstream: str, plan: Plan, say: Say) -> tuple[Running, dict[str, object]] | None:
    """Start and prove; None (and a reason said) when it cannot be measured."""
    reason = subject.missing()
    if reason:
        say(f"skip   {subject.name}: {reason}")
        return None
    try:
        running = Running(subject, upstream, redis=plan.redis)
    except (NotUp, OSError, subprocess.SubprocessError) as error:
        say(f"skip   {subject.name}: {error}")
        return None
    try:
        proof = prove(running)
    except (NotUp, OSError) as error:
        say(f"skip   {subject.name}: {error}")
        running.stop()
        return None
    running.settle(plan.rest)
    running.process.freeze()
    shown = ", ".join(proof)
    say(f"ready  {subject.name} {subject.version()}: {running.cold_s} s, {running.idle_mb} MB, proved: {shown}")
    return running, {
        "version": subject.version(),
        "cold_s": running.cold_s,
        "idle_mb": running.idle_mb,
        "proved": proof,
    }


def measure(running: Running, work: Work, plan: Plan) -> Run:
    """One turn of one subject at one work; errors void it."""
    subject, core = running.subject, cores()[1]
    running.process.thaw()
    try:
        if work.name == "rest" and wrk.available():
            figures = wrk.measure(
                work, running.url, running.started.headers, core, running.process.pid, plan.seconds, plan.warm
            )
        else:
            figures = _load(running, work, plan, core)
    except (subprocess.SubprocessError, ValueError) as error:
        figures = {"void": f"{error!r} {getattr(error, 'stderr', '')!s}"[-400:]}
    finally:
        running.process.freeze()
    if figures.get("errors") or not (figures.get("answers") or figures.get("tokens_s")):
        figures.setdefault("void", f"{figures.get('errors', 0)} errors, {figures.get('answers', 0)} answers")
    return {"subject": subject.name, "work": work.name, **figures}


def _load(running: Running, work: Work, plan: Plan, core: str) -> Run:
    subject = running.subject
    command = python_module("benchmarks.load", work.name, running.url, "--tool", subject.tool)
    command += ["-s", str(plan.seconds), "-w", str(plan.warm), "--pid", str(running.process.pid)]
    if work.rate:
        command += ["-r", str(subject.rates.get(work.name, work.rate))]
    if work.kind in subject.paths:
        command += ["--path", subject.paths[work.kind]]
    for header in running.started.headers:
        command += ["-H", header]
    result = subprocess.run(
        pinned(core, command), capture_output=True, text=True, timeout=plan.seconds + plan.warm + 120, check=True
    )
    found: Run = json.loads(result.stdout)
    return found


def direct(mock: Mock, work: Work, plan: Plan) -> Run:
    """The mock without anything before it, at the same load: what a gateway adds is measured from here."""
    command = python_module("benchmarks.load", work.name, f"http://127.0.0.1:{mock.port}")
    command += ["-s", str(plan.seconds), "-w", str(plan.warm)]
    result = subprocess.run(pinned(cores()[1], command), capture_output=True, text=True, timeout=120, check=True)
    return {"subject": "direct", "work": work.name, **json.loads(result.stdout)}


def run(chosen: Iterable[Subject], plan: Plan, say: Say) -> tuple[list[Run], dict[str, dict[str, object]]]:
    """All rounds; the runs and what is known of each subject."""
    runs: list[Run] = []
    facts: dict[str, dict[str, object]] = {}
    up: list[Running] = []
    with Mock() as mock:
        upstream = f"127.0.0.1:{mock.port}"
        try:
            for subject in chosen:
                started = start(subject, upstream, plan, say)
                if started:
                    up.append(started[0])
                    facts[subject.name] = started[1]
            for number in range(plan.rounds):
                for found in _round(up, mock, plan, number):
                    runs.append({"round": number, **found})
                    say(line(runs[-1]))
        finally:
            for running in up:
                running.stop()
    return runs, facts


def _round(up: list[Running], mock: Mock, plan: Plan, number: int) -> Iterable[Run]:
    """Each work in turn, each subject in turn; who begins changes from round to round."""
    turn = number % max(1, len(up))
    for work in WORKS.values():
        if work.name not in plan.works:
            continue
        if work.rate or work.streams:
            yield direct(mock, work, plan)
        for running in up[turn:] + up[:turn]:
            if work.name in running.subject.works:
                yield measure(running, work, plan)


def line(found: Run) -> str:
    """One run on one line."""
    names = (
        "rps",
        "tokens_s",
        "p50_ms",
        "p99_ms",
        "first_byte_p50_ms",
        "event_p50_ms",
        "cpu_us",
        "cpu_us_token",
        "cores",
    )
    shown = " ".join(f"{name}={found[name]}" for name in names if found.get(name) is not None)
    void = f" VOID: {found['void']}" if found.get("void") else ""
    return f"{found['round']}  {found['work']:<13}{found['subject']:<17}{shown}{void}"
