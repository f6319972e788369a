"""A whole small bench: subjects start, prove themselves, take turns; who claims too much is left out."""

import json
from pathlib import Path

import pytest
from benchmarks.machine import tree
from benchmarks.report import ratio_lines, results, tables, write
from benchmarks.rounds import Plan, run
from benchmarks.running import Mock
from benchmarks.subjects import Place, Started, Subject, always, python_module

from benchmarks import house, peers, running
from triplegate.config.load import load
from triplegate.core.policy import Registry
from triplegate.policies import built_in


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "RUN", tmp_path)


def mock_as_gateway(place: Place) -> Started:
    return Started(python_module("benchmarks.mock", "--port", str(place.port)), [])


def hello(place: Place) -> Started:
    return Started(python_module("benchmarks.floors.hello", str(place.port)), [])


def crashing(place: Place) -> Started:
    return Started(python_module("benchmarks.no_such_module"), [])


def subject(name: str, start: object, *claims: str) -> Subject:
    return Subject(name, ("rest_rate",), start, always, lambda: "1", frozenset(claims))  # type: ignore[arg-type]


def test_a_bench_from_start_to_results(tmp_path: Path) -> None:
    said: list[str] = []
    chosen = [
        subject("mocked", mock_as_gateway),
        subject("granian_hello", hello),
        subject("boastful", mock_as_gateway, "key"),
        subject("broken", crashing),
        Subject("absent", ("rest",), hello, lambda: "not installed", lambda: ""),
    ]
    runs, facts = run(chosen, Plan(0.3, 0.1, 2, frozenset({"rest_rate"})), said.append)
    assert set(facts) == {"mocked", "granian_hello"}
    assert any("boastful: not proved: key" in line for line in said)
    assert any("broken: ended with 1" in line for line in said)
    assert any("absent: not installed" in line for line in said)
    assert [run["subject"] for run in runs] == [
        "direct",
        "mocked",
        "granian_hello",
        "direct",
        "granian_hello",
        "mocked",
    ]
    assert not any(run.get("void") for run in runs)
    assert all(isinstance(run["p50_ms"], float) for run in runs)
    assert all("cpu_us" in run and "rss_mb" in run for run in runs if run["subject"] != "direct")
    found = results(runs, facts, chosen)
    write(found, tmp_path / "results" / "latest.json")
    kept = json.loads((tmp_path / "results" / "latest.json").read_text())
    assert {"machine", "versions", "runs", "ratios"} <= set(kept)
    assert kept["skipped"]["absent"] == "not installed"
    assert "granian_hello" in tables(runs)
    assert ratio_lines(found) == "", "rest_rate is no side of any ratio"


def test_a_frozen_subject_uses_no_cpu_and_goes_on_when_thawed() -> None:
    with Mock() as mock:
        up = running.Running(subject("granian_hello", hello), f"127.0.0.1:{mock.port}")
        try:
            assert up.answers()
            up.process.freeze()
            before = tree(up.process.pid)
            assert before.rss_mb > 1
            assert before.processes >= 1
            up.process.thaw()
            assert up.answers()
        finally:
            up.stop()
        assert tree(up.process.pid).processes == 0


def test_names_are_unique_and_every_configuration_is_there() -> None:
    known = house.subjects() + peers.subjects()
    assert len({one.name for one in known}) == len(known)
    for one in known:
        assert one.config is None or one.config.is_file(), one.name


@pytest.mark.parametrize("path", sorted((Path(house.HOUSE)).glob("*.yaml")), ids=lambda path: path.stem)
def test_our_own_configurations_have_no_unknown_placeholder(path: Path, tmp_path: Path) -> None:
    place = Place(tmp_path, 1, 2, "127.0.0.1:3", redis="redis://127.0.0.1:4/0")
    assert "@" not in place.render(path, "triplegate.yaml").read_text()


@pytest.mark.parametrize("path", sorted((Path(house.HOUSE)).glob("*.yaml")), ids=lambda path: path.stem)
def test_our_own_configurations_load_without_a_fault(path: Path, tmp_path: Path) -> None:
    place = Place(tmp_path, 18080, 18081, "127.0.0.1:3", redis="redis://127.0.0.1:4/0")
    place.render(path, "triplegate.yaml")
    if path.stem == "rest_bare":
        house.more_routes(tmp_path / "triplegate.yaml", 3)
    assert load(tmp_path, Registry(built_in()), environment={}).documents
