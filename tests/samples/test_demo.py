"""The demo: copied once, then the user's; its ports stay."""

import re
from pathlib import Path

import httpx
import pytest

from triplegate.config.load import load
from triplegate.core.policy import Registry
from triplegate.policies import built_in
from triplegate.samples import demo
from triplegate.samples.llm_scripts import HINT

PORTS = {"orders": 9003, "llm": 21002, "mcp": 21003, "model": 21004}  # one of them is a shipped port of another


def texts(directory: Path) -> str:
    return "\n".join(file.read_text() for file in sorted(directory.rglob("*.yaml")))


def test_the_files_are_copied_with_the_chosen_ports(tmp_path: Path) -> None:
    demo.write_demo(tmp_path / "demo", PORTS)
    assert {str(path) for path, _ in demo.shipped_files()} == {
        str(file.relative_to(tmp_path / "demo")) for file in (tmp_path / "demo").rglob("*.yaml")
    }
    urls = set(re.findall(r"http://127\.0\.0\.1:\S+?(?=[\]\s])", texts(tmp_path)))
    assert urls == {
        "http://127.0.0.1:9003",
        "http://127.0.0.1:21002/v1",
        "http://127.0.0.1:21003/mcp",
        "http://127.0.0.1:21004/v1",
    }


def test_what_the_user_changed_is_never_overwritten(tmp_path: Path) -> None:
    demo.write_demo(tmp_path, PORTS)
    mine = tmp_path / "apis" / "orders.yaml"
    mine.write_text("services: {}\n")
    (tmp_path / "teams" / "demo.yaml").unlink()
    demo.write_demo(tmp_path, demo.demo_ports(tmp_path))
    assert mine.read_text() == "services: {}\n"
    assert (tmp_path / "teams" / "demo.yaml").exists()


def test_ports_are_chosen_once_below_the_range_of_outgoing_connections(tmp_path: Path) -> None:
    chosen = demo.demo_ports(tmp_path)
    assert len(set(chosen.values())) == 4
    assert all(20_000 <= port < 32_000 for port in chosen.values())
    demo.write_demo(tmp_path, chosen)
    assert demo.demo_ports(tmp_path) == chosen


def test_the_upstreams_answer_on_the_stored_ports(tmp_path: Path) -> None:
    ports = demo.demo_ports(tmp_path)
    with demo.start_upstreams(ports) as upstreams:
        assert (upstreams.model is None) == bool(upstreams.reason)
        for name in ("orders", "llm", "mcp", "model"):
            assert httpx.get(f"http://127.0.0.1:{ports[name]}/health").json() == {"status": "ok"}


def test_without_the_real_model_the_provider_answers_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triplegate.samples.model.missing", lambda: "not installed")
    ports = demo.demo_ports(tmp_path)
    with demo.start_upstreams(ports) as upstreams:
        assert (upstreams.model, upstreams.reason) == (None, "not installed")
        body = {"model": "smollm2", "messages": [{"role": "user", "content": "hi"}]}
        reply = httpx.post(f"http://127.0.0.1:{ports['model']}/v1/chat/completions", json=body).json()
        assert reply["choices"][0]["message"]["content"] == HINT


def test_the_shipped_configuration_loads_without_a_fault_or_a_warning(tmp_path: Path) -> None:
    demo.write_demo(tmp_path, PORTS)
    loaded = load(tmp_path, Registry(built_in()), environment={})
    documents = loaded.documents
    assert list(loaded.warnings) == []
    assert set(documents.routes) == {"orders", "public", "try"}
    assert {"smollm2", "scripted", "gpt-4o"} <= set(documents.models)
    assert str(documents.servers["demo"].url) == "http://127.0.0.1:21003/mcp"
    org, team, consumer = demo.CONSUMER
    assert consumer in documents.orgs[org].teams[team].consumers
