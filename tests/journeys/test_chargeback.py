"""The demo's traffic as finance reads it: known calls times known prices, to the last digit, in all six formats."""

import csv
import importlib.util
import io
import json
import os
from decimal import Decimal

import httpx
import pytest
from tests.control.reports.focus_checker import faults
from tests.gates.mcp.messages import modern
from tests.journeys.running import House

from triplegate.cli.entry import run

CLIENT = {"timeout": 30, "trust_env": False}
TALKS = [{"tokens": 7}, {"tokens": 11}, {"tokens": 11, "cached": 3}, {"text": "hello there"}]
PRICES = {"prompt": Decimal(1), "cached": Decimal("0.1"), "completion": Decimal(2)}
"""Of the demo's scripted model, US dollars per million tokens."""
ORDER, TOOL = Decimal("0.0001"), Decimal("0.001")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with House(tmp_path_factory.mktemp("chargeback"), "demo") as house:
        lines = (house.directory / ".triplegate" / "demo.env").read_text().splitlines()
        house.environment |= dict(line.split("=", 1) for line in lines)
        yield house


@pytest.fixture(scope="module")
def expected(demo):
    """What was called, and what it costs by the prices in the demo's files: (gate, name) → (calls, US dollars)."""
    key = {"authorization": f"Bearer {demo.environment['TRIPLEGATE_KEY']}"}
    chat = Decimal(0)
    for number, script in enumerate(TALKS):
        body = {"model": "scripted", "messages": [{"role": "user", "content": json.dumps({"script": script})}]}
        if number == 1:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        answer = httpx.post(f"{demo.url}/v1/chat/completions", json=body, headers=key, **CLIENT)
        assert answer.status_code == 200, answer.text
        chat += priced(used(answer.text, streamed=number == 1))
    for _ in range(5):
        assert httpx.get(f"{demo.url}/orders", headers=key, **CLIENT).status_code == 200
    for number in range(3):
        request = modern("tools/call", {"name": "demo__add", "arguments": {"a": 1, "b": number}}, headers=key)
        assert "result" in httpx.post(f"{demo.url}/mcp", **request, **CLIENT).text
    return {("llm", "scripted"): (len(TALKS), chat), ("api", "orders"): (5, 5 * ORDER), ("mcp", "demo"): (3, 3 * TOOL)}


def used(text, *, streamed):
    """The usage that the client was told."""
    if not streamed:
        return json.loads(text)["usage"]
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    return next(event["usage"] for event in events if event.get("usage"))


def priced(usage):
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    million = {"prompt": usage["prompt_tokens"] - cached, "cached": cached, "completion": usage["completion_tokens"]}
    return sum(count * PRICES[name] for name, count in million.items()) / 1_000_000


@pytest.fixture
def report(demo, tmp_path, monkeypatch):
    """`triplegate report chargeback …` in the demo's directory; the bytes of the file that it wrote."""
    for name in [name for name in os.environ if name.startswith("TRIPLEGATE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(demo.directory)

    def call(*words, by="gate,route", name="report"):
        assert run(["report", "chargeback", "--by", by, "--output", str(tmp_path / name), *words]) == 0
        return (tmp_path / name).read_bytes()

    return call


def whole(expected):
    return sum(cost for _, cost in expected.values())


def test_the_table_has_the_known_numbers_and_their_sum(report, expected):
    head, *rows, total, _, foot = report().decode().splitlines()
    assert foot.startswith("as of ")
    names = [name for name in head.split() if name != "item"]  # calls have none
    rows = [row for row in rows if row.split()[0] in ("api", "llm", "mcp")]  # the rest is shared cost
    told = {tuple(row.split()[:2]): dict(zip(names, row.split(), strict=False)) for row in rows}
    assert {key: (int(row["requests"]), Decimal(row["cost"])) for key, row in told.items()} == expected
    assert f" {whole(expected)} " in total


def test_csv_and_json_have_them_too(report, expected):
    rows = list(csv.DictReader(io.StringIO(report("--format", "csv").decode(), newline="")))
    rows = [row for row in rows if row["gate"]]
    assert {(row["gate"], row["route"]): (int(row["requests"]), Decimal(row["cost"])) for row in rows} == expected
    told = json.loads(report("--format", "json"))
    own = [row for row in told["lines"] if row["gate"]]
    assert {(row["gate"], row["route"]): (row["requests"], Decimal(row["cost"])) for row in own} == expected
    assert Decimal(told["totals"]["cost"]) == whole(expected)


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_parquet_has_them_exactly(report, expected):
    import pyarrow.parquet as files

    rows = files.read_table(io.BytesIO(report("--format", "parquet"))).to_pylist()
    own = [row for row in rows if row["gate"]]
    assert {(row["gate"], row["route"]): (row["requests"], row["cost"]) for row in own} == expected


@pytest.mark.skipif(importlib.util.find_spec("openpyxl") is None, reason="openpyxl is not installed")
def test_a_workbook_has_them_exactly(report, expected):
    import openpyxl

    page = openpyxl.load_workbook(io.BytesIO(report("--format", "xlsx")))["chargeback"]
    head, *rows = page.iter_rows(values_only=True)
    told = [line for row in rows if (line := dict(zip(head, row, strict=True)))["gate"]]
    found = {(row["gate"], row["route"]): (row["requests"], Decimal(exact(row, "cost"))) for row in told}
    assert found == expected


def exact(row, name):
    return row.get(f"{name} (exact)") or repr(row[name])


@pytest.mark.parametrize("grain", ["day", "hour"])
def test_focus_has_them_meter_by_meter_and_is_accepted(report, expected, grain):
    rows = list(csv.DictReader(io.StringIO(report("--format", "focus", "--grain", grain).decode(), newline="")))
    assert faults(rows) == []
    assert sum(Decimal(row["BilledCost"]) for row in rows) == whole(expected)
    for (gate, route), (calls, cost) in expected.items():
        own = [row for row in rows if (row["x_Gate"], row["x_Route"]) == (gate, route)]
        assert sum(int(row["x_Requests"]) for row in own) == calls
        assert sum(Decimal(row["BilledCost"]) for row in own) == cost
    assert {row["SkuMeter"] for row in rows} == {"Input", "Cached Input", "Output", "Requests"}
    assert not [row for row in rows if row["x_Adjustment"]]
    tokens = {row["SkuMeter"]: Decimal(row["ListUnitPrice"]) for row in rows if row["x_Gate"] == "llm"}
    assert tokens == {"Input": 1, "Cached Input": Decimal("0.1"), "Output": 2, "Requests": 0}


def test_tools_are_told_by_name(report, expected):
    told = json.loads(report("--format", "json", by="tool"))
    assert {row["tool"]: row["requests"] for row in told["lines"]} == {"demo__add": 3, "": 9}
