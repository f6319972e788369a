"""`make conformance`: the official suite on both wires, against the fixture and the gate in each of its shapes."""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.conformance.places import PLACES
from tests.conformance.suite import REVISIONS, Verdict, run
from tests.servers.npm_packages import Missing, install

FINDINGS = Path(".cache") / "conformance"


def judged(name: str, revisions: Sequence[str] = REVISIONS) -> list[Verdict]:
    """Run the revisions that a place can meet; what fails is told at once."""
    place = PLACES[name]
    with tempfile.TemporaryDirectory(prefix="triplegate-conformance-") as folder, place.open(Path(folder)) as url:
        found = [
            run(url, revision, FINDINGS / name / revision) for revision in place.revisions if revision in revisions
        ]
    for verdict in found:
        for failure in verdict.failures:
            print(f"  {name} {verdict.revision}: {failure}")
        if verdict.status and not verdict.failures:
            print(f"  {name} {verdict.revision}: the suite ended with {verdict.status}; see {FINDINGS / name}")
    print(f"{name}: {' '.join(str(verdict) for verdict in found)}", flush=True)
    return found


def worst(found: Iterable[Verdict], revision: str) -> list[Verdict]:
    """The run of one revision in which the least held."""
    return sorted((one for one in found if one.revision == revision), key=lambda one: one.held - one.required)[:1]


def main() -> int:
    """All places, or those that are named; 0 when everything that is required holds."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--place", choices=list(PLACES), action="append", help="only here; may be repeated")
    options.add_argument("--revision", choices=REVISIONS, action="append", help="only this one; may be repeated")
    asked = options.parse_args()
    try:
        install()
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    names = asked.place or list(PLACES)
    found = [verdict for name in names for verdict in judged(name, asked.revision or REVISIONS)]
    least = [str(verdict) for revision in REVISIONS for verdict in worst(found, revision)]
    print(f"conformance: {' '.join(least)}")
    return 0 if all(verdict.good for verdict in found) else 1


if __name__ == "__main__":
    sys.exit(main())
