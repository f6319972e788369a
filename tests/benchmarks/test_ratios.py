"""Ratios come from what was measured, and from nothing else."""

from benchmarks.ratios import RATIOS, compute
from benchmarks.works import WORKS


def run(subject: str, number: int, rps: float, cpu_us: float, **more: object) -> dict[str, object]:
    return {"round": number, "subject": subject, "work": "rest", "rps": rps, "cpu_us": cpu_us, **more}


def test_a_ratio_is_median_over_median_with_the_range_over_rounds() -> None:
    runs = [run("raw", 0, 50, 40), run("raw", 1, 60, 42), run("raw", 2, 40, 44)]
    runs += [run("granian_hello", 0, 100, 20), run("granian_hello", 1, 100, 21), run("granian_hello", 2, 100, 22)]
    found = compute(runs)
    assert found["ratios"] == {"raw/granian_hello": 0.5}
    assert found["ranges"] == {"raw/granian_hello": [0.4, 0.6]}
    assert found["cpu_ratios"] == {"raw/granian_hello": 0.5}


def test_a_voided_run_does_not_count() -> None:
    runs = [run("raw", 0, 50, 40), run("raw", 1, 9000, 1, void="3 errors"), run("granian_hello", 0, 100, 20)]
    assert compute(runs)["ratios"] == {"raw/granian_hello": 0.5}


def test_an_absent_side_leaves_the_ratio_out() -> None:
    assert compute([run("raw", 0, 50, 40)])["ratios"] == {}
    assert compute([run("raw", 0, 50, 40), run("granian_hello", 0, 0, 0, void="ended")])["ratios"] == {}


def test_streams_compare_tokens_a_second() -> None:
    runs: list[dict[str, object]] = [
        {"round": 0, "subject": "chat_policed", "work": "stream", "rps": 1.0, "tokens_s": 60000, "cpu_us_token": 10},
        {"round": 0, "subject": "smg", "work": "stream", "rps": 9.0, "tokens_s": 30000, "cpu_us_token": 30},
    ]
    assert compute(runs)["ratios"] == {"stream/smg": 2.0}
    assert compute(runs)["cpu_ratios"] == {"stream/smg": 3.0}


def test_every_ratio_names_a_work_that_exists() -> None:
    for name, ratio in RATIOS.items():
        assert ratio.first.work in WORKS, name
        assert ratio.second.work == ratio.first.work, name
