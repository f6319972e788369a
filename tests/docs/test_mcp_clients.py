"""What the page on MCP clients says to write is read and tried: each configuration on a running gateway."""

import json
import os
import re
import subprocess

import httpx
import pytest
from tests.docs.reference import DOCS
from tests.gates.mcp.messages import legacy, modern
from tests.journeys.running import House, write
from tests.servers.mcp_double import Double, tool
from tests.servers.npm_packages import installed_or_skip, package

PAGE = (DOCS / "mcp-clients.md").read_text()
WRITTEN = [json.loads(text) for text in re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)]
PROGRAM = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
GATE = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
SECRET = re.compile(r"\$\{[a-zA-Z:_-]+\}")
ADDRESS = "http://127.0.0.1:8080"
PAGE_OF_INSPECTOR = "http://localhost:6274"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clients")
    orgs = "orgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}\n"
    with Double(tool("echo", "Say it again.")) as double:
        write(folder, f'servers: {{files: {{url: "{double.url}"}}}}\n{orgs}{GATE[0]}')
        with House(folder) as running:
            yield running


def entries():
    """Every server entry of the page, with the client whose file it stands in."""
    for written in WRITTEN:
        (servers,) = [written[name] for name in ("mcpServers", "servers") if name in written]
        yield servers["triplegate"]


def filled(house: House, text: str) -> str:
    """As the client would send it."""
    return SECRET.sub(house.key(), text).replace(ADDRESS, house.url)


def test_the_page_has_a_file_for_each_client():
    assert len(WRITTEN) == 3
    for entry in entries():
        assert entry.keys() <= {"type", "url", "headers"}
        assert entry.get("type", "http") == "http"


@pytest.mark.parametrize("entry", list(entries()), ids=["claude-code", "cursor", "vs-code"])
def test_what_a_client_is_told_opens_the_gate(house, entry):
    headers = {name: filled(house, value) for name, value in entry["headers"].items()}
    with httpx.Client(headers=headers, timeout=10) as http:
        url = filled(house, entry["url"])
        listed = http.post(url, **modern("tools/list")).json()["result"]["tools"]
        assert [one["name"] for one in listed] == ["files__echo"]
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        opened = http.post(url, **legacy("initialize", hello, version=None))
        assert opened.headers["mcp-session-id"]


def test_the_program_lists_the_tools(house, monkeypatch, capsys):
    monkeypatch.setenv("TRIPLEGATE_URL", house.url)
    monkeypatch.setenv("TRIPLEGATE_KEY", house.key())
    exec(compile(PROGRAM[0], "docs/mcp-clients.md", "exec"), {})  # noqa: S102 - our own words
    assert capsys.readouterr().out == "files__echo\n"


def test_the_inspectors_page_may_ask_and_read(house):
    asked = "authorization, content-type, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name"
    before = {"access-control-request-method": "POST", "access-control-request-headers": asked}
    with httpx.Client(headers={"origin": PAGE_OF_INSPECTOR}, timeout=10) as http:
        allowed = http.options(f"{house.url}/mcp", headers=before)
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == PAGE_OF_INSPECTOR
        for name in asked.split(", "):
            assert name in allowed.headers["access-control-allow-headers"]
        request = modern("tools/list", headers={"authorization": f"Bearer {house.key()}"})
        answer = http.post(f"{house.url}/mcp", **request)
        assert answer.headers["access-control-allow-origin"] == PAGE_OF_INSPECTOR
        assert "Mcp-Session-Id" in answer.headers["access-control-expose-headers"]
        foreign = http.options(f"{house.url}/mcp", headers={**before, "origin": "http://localhost:9999"})
        assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.long
@pytest.mark.parametrize("era", ["legacy", "auto", "modern"])
def test_the_inspector_lists_with_the_line_of_the_page(house, era, tmp_path):
    node = installed_or_skip()
    (line,) = re.findall(r"^\$ npx @modelcontextprotocol/inspector (.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    words = line.replace("\\\n", " ").replace("$TRIPLEGATE_KEY", house.key()).replace(ADDRESS, house.url)
    script = package("inspector", "clients/launcher/build/index.js")
    command = f"{node} {script} {words.strip()} --protocol-era {era} --format json -q"
    environment = {"HOME": str(tmp_path), "PATH": os.environ.get("PATH", "")}
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=60)
    listed = json.loads(done.stdout)
    assert [one["name"] for one in listed.get("result", listed)["tools"]] == ["files__echo"]
