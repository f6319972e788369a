"""The command: `python -m benchmarks`; everything there is, or what is chosen."""

import argparse
import json
from pathlib import Path

from benchmarks import house, peers
from benchmarks.machine import machine, versions
from benchmarks.report import ratio_lines, results, tables, write
from benchmarks.rounds import Plan, run
from benchmarks.shared import Redis
from benchmarks.subjects import HERE, Subject
from benchmarks.works import WORKS

LATEST = HERE / "results" / "latest.json"


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="length of one measurement")
    parser.add_argument("--warm", type=float, default=1, help="warm-up before each")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds; below 3 is for trying only")
    parser.add_argument("--subjects", default="", help="comma-separated; default: all that are there")
    parser.add_argument("--works", default="", help=f"comma-separated; of {', '.join(WORKS)}")
    parser.add_argument("--output", type=Path, default=LATEST)
    parser.add_argument("--list", action="store_true", help="say who is there and stop")
    arguments = parser.parse_args()
    known = house.subjects() + peers.subjects()
    if arguments.list:
        for subject in known:
            print(f"{subject.name:<18}{subject.missing() or subject.version()}")
        return
    chosen = _chosen(known, arguments.subjects, parser)
    works = frozenset(filter(None, arguments.works.split(","))) or frozenset(WORKS)
    if works - set(WORKS):
        parser.error(f"no such work: {', '.join(sorted(works - set(WORKS)))}")
    print(json.dumps({"machine": machine(), "versions": versions()}, indent=1), flush=True)
    with Redis(wanted=any(subject.name == "redis_limits" and not subject.missing() for subject in chosen)) as redis:
        plan = Plan(arguments.seconds, arguments.warm, arguments.rounds, works, redis.url, rest=4.0)
        runs, facts = run(chosen, plan, lambda text: print(text, flush=True))
    found = results(runs, facts, chosen)
    write(found, arguments.output)
    print(f"\n{tables(runs)}\n\n{ratio_lines(found)}\n\n{arguments.output}")


def _chosen(known: list[Subject], names: str, parser: argparse.ArgumentParser) -> list[Subject]:
    wanted = [name for name in names.split(",") if name]
    unknown = set(wanted) - {subject.name for subject in known}
    if unknown:
        parser.error(f"no such subject: {', '.join(sorted(unknown))}")
    return [subject for subject in known if not wanted or subject.name in wanted]


if __name__ == "__main__":
    main()
