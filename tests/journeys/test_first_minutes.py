"""The first minutes with triplegate: an empty directory, one command, and what it says to try next."""

import csv
import itertools
import json
import os
import shlex
import signal
import stat
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from tests.journeys.running import House, eventually, write

CLIENT = {"timeout": 30, "trust_env": False}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    with House(folder, "demo") as house:
        yield house


def env(house):
    lines = (house.directory / ".triplegate" / "demo.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def pasted(line, enough=None):
    """A curl line as a shell and curl would read it: the answer, of a stream its first `enough` events."""
    words = shlex.split(line)
    assert words.pop(0) == "curl"
    headers, body, urls = [], None, []
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _, value = words.pop(0).partition(":")
            headers.append((name, value.strip()))
        elif word == "-d":
            body = words.pop(0)
        elif word not in ("-i", "-N"):
            urls.append(word)
    (url,) = urls
    method = "GET" if body is None else "POST"
    if enough is None:
        return httpx.request(method, url, headers=headers, content=body, **CLIENT)
    with httpx.stream(method, url, headers=headers, content=body, **CLIENT) as answer:
        lines = (line for line in answer.iter_lines() if line.startswith("data: "))
        return answer, list(itertools.islice(lines, enough))


def command(house, *words, ok=True):
    """`triplegate …` in the demo's directory; what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRIPLEGATE_")}
    done = subprocess.run(
        [sys.executable, "-m", "triplegate", *words],
        cwd=house.directory,
        env={**environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done.stdout


def descendants(pid):
    """Processes below `pid` that live."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z" and int(fields[1]) == pid:
                found += [int(entry.name), *descendants(int(entry.name))]
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_demo_says_what_to_paste_and_every_line_works(demo):
    lines = [line for line in demo.lines if line.startswith("curl ")]
    assert len(lines) == 3
    assert demo.lines[-1] == "ready"
    orders, tool = pasted(lines[0]), pasted(lines[2])
    chat, events = pasted(lines[1], 12)  # the model may have much to say
    assert (orders.status_code, orders.json()["count"]) == (200, 5)
    assert chat.status_code == 200
    assert chat.headers["content-type"].startswith("text/event-stream")
    assert "".join(_words(events))
    assert tool.status_code == 200, tool.text
    assert json.loads(tool.text.rpartition("data: ")[2])["result"]["structuredContent"] == {"sum": 5}


def _words(events):
    for event in events:
        if event != "data: [DONE]":
            for choice in json.loads(event.removeprefix("data: "))["choices"]:
                yield choice["delta"].get("content") or ""


def test_nothing_it_wrote_can_be_read_by_others(demo):
    state = demo.directory / ".triplegate"
    for path in [state, *state.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert stat.S_IMODE((state / "demo.env").stat().st_mode) == 0o600


def test_the_front_door_says_where_everything_is(demo):
    text = httpx.get(demo.url, **CLIENT).text
    assert all(word in text for word in (demo.url, demo.admin_url, "/mcp", "/v1"))
    assert httpx.get(f"{demo.admin_url}/readyz", **CLIENT).status_code == 200


def test_keys_are_made_listed_and_revoked_at_once(demo):
    key = command(demo, "key", "create", "--org", "demo", "--team", "web", "--consumer", "ci", "--name", "mine").strip()
    headers = {"authorization": f"Bearer {key}"}
    assert httpx.get(f"{demo.url}/orders", headers=headers, **CLIENT).status_code == 200
    key_id = key.split("_")[2]
    assert key_id in command(demo, "key", "list")
    assert key not in command(demo, "key", "list")
    command(demo, "key", "revoke", key_id)
    assert httpx.get(f"{demo.url}/orders", headers=headers, **CLIENT).status_code == 401
    command(demo, "key", "revoke", "0000000000", ok=False)


def test_the_report_says_who_pays(demo):
    headers = {"authorization": f"Bearer {env(demo)['TRIPLEGATE_KEY']}"}
    before = json.loads(command(demo, "report", "usage", "--by", "team", "--format", "json"))
    httpx.get(f"{demo.url}/orders", headers=headers, **CLIENT)
    after = json.loads(command(demo, "report", "usage", "--by", "team", "--format", "json"))
    (mine,) = [row for row in after if row["team"] == "ml"]
    earlier = sum(row["requests"] for row in before if row["team"] == "ml")
    assert mine["requests"] == earlier + 1
    assert "ml" in command(demo, "report", "usage", "--by", "team")


@pytest.mark.timeout(90)
def test_known_calls_cost_their_price_to_the_last_digit_in_every_report(demo, tmp_path):
    key = command(demo, "key", "create", "--org", "demo", "--team", "ml", "--consumer", "notebook").strip()
    headers = {"authorization": f"Bearer {key}"}
    chat = {"model": "scripted", "messages": [{"role": "user", "content": "hello"}]}
    local = {"model": "smollm2", "max_tokens": 8, "messages": [{"role": "user", "content": "hello"}]}
    cost = 3 * Decimal("0.0001")
    with httpx.Client(base_url=demo.url, headers=headers, **CLIENT) as client:
        assert [client.get("/orders").status_code for _ in range(3)] == [200] * 3
        for body, read, written in ((chat, "1", "2"), (chat, "1", "2"), (local, "0.10", "0.40")):
            usage = client.post("/v1/chat/completions", json=body).json()["usage"]
            assert body is local or not usage["prompt_tokens_details"]["cached_tokens"]  # the local model's cost alike
            tokens = usage["prompt_tokens"] * Decimal(read) + usage["completion_tokens"] * Decimal(written)
            cost += tokens / 1_000_000
        told = client.get("/v1/usage?by=gate").json()
    assert (told["total"]["requests"], Decimal(told["total"]["cost"])) == (6, cost)
    report = json.loads(command(demo, "report", "usage", "--by", "consumer", "--format", "json"))
    assert [Decimal(row["cost"]) for row in report if row["consumer"] == "notebook"] == [cost]
    assert {_cost_of_notebook(demo, tmp_path, form) for form in FORMATS} == {cost}


FORMATS = ("table", "json", "csv", "focus", "parquet", "xlsx")


def _cost_of_notebook(demo, folder, form):
    if form == "table":
        lines = [line.split() for line in command(demo, "report", "chargeback", "--by", "consumer").splitlines()]
        (mine,) = [line for line in lines if line[:1] == ["notebook"]]
        return Decimal(mine[lines[0].index("cost") - 1])  # its item is empty
    path = folder / f"report.{form}"
    command(demo, "report", "chargeback", "--by", "consumer", "--format", form, "--output", str(path))
    if form == "focus":
        with path.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if json.loads(row["Tags"])["app"] == "notebook"]
        return sum(Decimal(row["BilledCost"]) for row in rows).normalize()
    (mine,) = [row for row in _rows(path, form) if row["consumer"] == "notebook"]
    return Decimal(str(mine.get("cost (exact)") or mine["cost"]))


def _rows(path, form):
    if form == "json":
        return json.loads(path.read_text())["lines"]
    if form == "csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    if form == "parquet":
        return pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    sheet = pytest.importorskip("openpyxl").load_workbook(path).worksheets[0]
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_explain_names_the_policies_in_order(demo):
    key = env(demo)["TRIPLEGATE_KEY"]
    text = command(demo, "explain", "GET", "/orders", "--header", f"Authorization: Bearer {key}")
    assert text.index("key_auth") < text.index("rate_limit")
    assert "demo/ml/app by key  plan gold" in text
    assert "-> 200" in text
    refused = command(demo, "explain", "GET", "/orders", ok=False)
    assert "-> 401 unauthenticated" in refused


def test_an_edit_of_the_demos_configuration_is_taken(demo):
    folder = demo.directory / ".triplegate" / "demo"
    text = (folder / "apis" / "orders.yaml").read_text()
    write(folder, text.replace("match: {path: /orders, type: prefix}", "match: {path: /renamed}"), "apis/orders.yaml")
    try:
        eventually(lambda: httpx.get(f"{demo.url}/renamed", **CLIENT).status_code == 401, 8)
        assert httpx.get(f"{demo.url}/orders", **CLIENT).status_code == 404
    finally:
        write(folder, text, "apis/orders.yaml")
    eventually(lambda: httpx.get(f"{demo.url}/orders", **CLIENT).status_code == 401, 8)


def test_a_second_start_keeps_the_key_and_a_lost_file_makes_a_new_one_and_ends_the_old(demo):
    def status(key):
        return httpx.get(f"{demo.url}/orders", headers={"x-api-key": key}, **CLIENT).status_code

    first, token = env(demo)["TRIPLEGATE_KEY"], env(demo)["TRIPLEGATE_ADMIN_TOKEN"]
    assert demo.stop() == 0
    demo.start()
    assert (env(demo)["TRIPLEGATE_KEY"], env(demo)["TRIPLEGATE_ADMIN_TOKEN"]) == (first, token)
    assert status(first) == 200
    demo.stop()
    (demo.directory / ".triplegate" / "demo.env").unlink()
    demo.start()
    second = env(demo)["TRIPLEGATE_KEY"]
    assert second != first
    assert (status(first), status(second)) == (401, 200)
    whoami = f"{demo.admin_url}/admin/v1/whoami"
    assert httpx.get(whoami, headers={"authorization": f"Bearer {token}"}, **CLIENT).status_code == 401


def test_what_the_demo_started_ends_with_it_even_when_it_is_killed(demo):
    if demo.process is None:
        demo.start()
    children = descendants(demo.process.pid)
    assert len(children) >= 1
    os.kill(demo.process.pid, signal.SIGKILL)
    demo.process.wait(10)
    eventually(lambda: not any(alive(pid) for pid in children), 5)
