"""Hours instead of minutes: run by `make soak`."""

import pytest
from tests.chaos.houses import furnish
from tests.chaos.test_kill import kill_often
from tests.journeys.running import House

from triplegate.samples.start import start_samples


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(1000, 1050))
async def test_five_hundred_kills_lose_no_call_and_charge_none_twice(tmp_path, seed):
    with start_samples(journal=tmp_path / "journal.jsonl") as samples:
        furnish(tmp_path, samples)
        await kill_often(House(tmp_path), tmp_path, 10, 50, seed)
