"""The official suite holds, bare and through the gate in each of its shapes (`make conformance` runs the same)."""

import pytest
from tests.conformance.places import PLACES
from tests.conformance.suite import run
from tests.servers.npm_packages import installed_or_skip


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", list(PLACES))
def test_all_that_is_required_holds(name, tmp_path):
    installed_or_skip()
    folder = tmp_path / "place"
    folder.mkdir()
    place = PLACES[name]
    with place.open(folder) as url:
        for revision in place.revisions:
            verdict = run(url, revision, tmp_path / revision)
            assert verdict.good, "\n".join(verdict.failures)
