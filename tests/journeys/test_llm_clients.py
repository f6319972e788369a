"""Clients that know nothing of us: LangChain, Vercel's AI SDK and the vendors' npm clients, each at two providers.

Google's own client (google-genai) is not among them: Gemini is a dialect of providers here, none of clients, and that
client speaks no other.
"""

import json
import os
import shutil
import subprocess
import venv
from pathlib import Path

import pytest
from tests.journeys.running import House, eventually, records, write
from tests.journeys.scripted_vendor import Vendor

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]
PYTHON = ("langchain-openai==1.7.4", "langchain-anthropic==1.7.10")
NODE = (
    "ai@5.0.277",
    "@ai-sdk/openai@2.0.131",
    "@ai-sdk/anthropic@2.0.112",
    "openai@6.49.0",
    "@anthropic-ai/sdk@1.13.0",
    "zod@4.6.7",
)
CLIENTS = Path(__file__).with_name("clients")
CONFIGURATION = """
providers:
  chatty: {{base_url: "http://127.0.0.1:{port}/v1", dialect: openai_chat, auth: null}}
  wordy: {{base_url: "http://127.0.0.1:{port}", dialect: anthropic_messages, auth: null}}
models:
  at-chat: {{deployments: [{{provider: chatty, model: at-chat, price: {{input: 1, output: 2}}}}]}}
  at-messages: {{deployments: [{{provider: wordy, model: at-messages, price: {{input: 1, output: 2}}}}]}}
llm: {{policies: [{{use: key_auth}}]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{langchain: {{}}, vercel: {{}}, vendors: {{}}}}}}}}}}}}
"""
MODELS = ("at-chat", "at-messages")
HELLO = {"text": "one two three", "usage": [7, 3]}
ANSWER = "It is 21 degrees in Paris."
CALL = ["get_weather", {"city": "Paris"}]
ANSWERED = 6
"""Calls of a cell: one whole, one streamed, and two loops of two."""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clients")
    with Vendor() as vendor:
        write(folder, CONFIGURATION.format(port=vendor.port))
        with House(folder) as running:
            yield running


def installed(folder: Path, wanted: tuple[str, ...], *command: str) -> None:
    """What is wanted, installed there once by this command; the test is skipped when that is not possible."""
    mark = folder / "installed.json"
    if mark.exists() and json.loads(mark.read_text()) == list(wanted):
        return
    ran = subprocess.run([*command, *wanted], cwd=folder, capture_output=True, text=True, timeout=300)
    if ran.returncode:
        pytest.skip(f"cannot install: {ran.stderr[-300:]}")
    mark.write_text(json.dumps(wanted))


@pytest.fixture(scope="module")
def python(pytestconfig):
    """The interpreter of a virtual environment with LangChain, kept in pytest's cache."""
    folder = pytestconfig.cache.mkdir("llm-clients-python")
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        venv.create(folder, with_pip=True)
    quiet = ("-q", "--disable-pip-version-check")
    installed(folder, PYTHON, str(interpreter), "-I", "-m", "pip", "install", *quiet)
    return [str(interpreter), "-I"]


@pytest.fixture(scope="module")
def node(pytestconfig):
    """A folder with the npm clients, kept in pytest's cache."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not here")
    folder = pytestconfig.cache.mkdir("llm-clients-node")
    installed(folder, NODE, "npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund")
    return folder


def said(house: House, consumer: str, command: list[str]) -> dict:
    """What the client's program printed: by dialect and model."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "ANTHROPIC_"))}
    call = [*command, house.url, house.key(consumer=consumer), *MODELS]
    ran = subprocess.run(call, env=plain, capture_output=True, text=True, timeout=90)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert all(f"{dialect} {model}" in told for dialect in ("chat", "messages") for model in MODELS)
    return told


def by_node(house: House, consumer: str, folder: Path, script: str) -> dict:
    return said(house, consumer, ["node", shutil.copy(CLIENTS / script, folder)])


def one_record_each(house: House, consumer: str, cells: int) -> None:
    """Every call was settled once, with the usage that the provider told."""

    def settled():
        house.usage("consumer")
        rows = records(house.directory, f"consumer = '{consumer}'")
        return rows if len(rows) >= ANSWERED * cells else None

    rows = eventually(settled)
    assert len({row["exchange"] for row in rows}) == len(rows) == ANSWERED * cells
    assert {(row["outcome"], row["status"], row["usage_source"]) for row in rows} == {("ok", 200, "provider")}
    assert {(row["input_uncached"], row["output_text"]) for row in rows} == {(7, 3)}
    assert sum(row["streamed"] for row in rows) == len(rows) // 2


def test_langchain_invokes_streams_and_binds_tools(house, python):
    told = said(house, "langchain", [*python, str(CLIENTS / "langchain_client.py")])
    for cell, got in told.items():
        assert (got["whole"], got["stream"], got["refused"]) == (HELLO, HELLO, 401), cell
        for loop in ("tools", "tools stream"):
            assert got[loop] == {"call": CALL, "text": ANSWER, "usage": [7, 3]}, cell
    one_record_each(house, "langchain", cells=6)


def test_vercels_sdk_generates_and_streams_a_loop_of_two_steps(house, node):
    told = by_node(house, "vercel", node, "vercel_client.mjs")
    for cell, got in told.items():
        assert (got["whole"], got["stream"], got["refused"]) == (HELLO, HELLO, 401), cell
        for loop in ("tools", "tools stream"):
            assert got[loop] == {"steps": 2, "call": CALL, "text": ANSWER, "usage": [7, 3]}, cell
    one_record_each(house, "vercel", cells=6)


def test_the_vendors_npm_clients_stream_call_tools_and_know_a_refusal(house, node):
    told = by_node(house, "vendors", node, "vendors_client.mjs")
    for cell, got in told.items():
        stop = "tool_calls" if cell.startswith("chat") else "tool_use"
        assert (got["whole"], got["stream"]) == (HELLO, HELLO), cell
        assert got["refused"] == got["refused stream"] == [401, "AuthenticationError"], cell
        for loop in ("tools", "tools stream"):
            assert got[loop] == {"call": CALL, "stop": stop, "text": ANSWER, "usage": [7, 3]}, cell
    one_record_each(house, "vendors", cells=4)
