"""The demo's own part: what it says, its one-time link, and that there is one of it; the journeys try its lines."""

import contextlib
import os
import re
import stat
from pathlib import Path

import httpx
import pytest
from tests.journeys.running import House

from triplegate.cli.place import read_env


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with House(tmp_path_factory.mktemp("demo"), "demo") as house:
        yield house


def link(house):
    (line,) = [line for line in house.lines if line.startswith("control page")]
    return re.search(r"http://\S+/sign-in\?once=[\w-]{43}", line)[0]


def test_it_says_what_it_does_while_it_starts(demo):
    assert demo.lines[:3] == [
        "wrote the demo's configuration to .triplegate/demo/",
        "starting the sample upstreams and the local model …",
        "starting the gateway …",
    ]
    assert demo.lines[-1] == "ready"
    assert "\x1b" not in "".join(demo.lines)


def test_its_link_signs_a_browser_in_and_only_once(demo):
    url = link(demo)
    with httpx.Client(timeout=10, trust_env=False) as browser:
        answer = browser.get(url)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert "samesite=strict" in answer.headers["set-cookie"].lower()
        page = browser.get(f"{demo.admin_url}/")
        assert page.status_code == 200
        assert "Sign out" in page.text
    late = httpx.get(url, timeout=10, trust_env=False)
    assert late.status_code == 401
    assert "set-cookie" not in late.headers


def test_its_credentials_are_for_its_owner_alone_and_none_is_in_the_link(demo):
    path = demo.directory / ".triplegate" / "demo.env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    token = read_env(path)["TRIPLEGATE_ADMIN_TOKEN"]
    assert token not in link(demo)
    assert not any(token in line for line in demo.lines)


def test_a_second_one_beside_it_is_refused_in_a_sentence(command, demo, monkeypatch):
    monkeypatch.chdir(demo.directory)
    before = (demo.directory / ".triplegate" / "demo.env").stat().st_mtime_ns
    done = command("demo")
    assert (done.status, done.out) == (1, "")
    assert done.err == f"a gateway runs in .triplegate/ already: {demo.admin_url}\n"
    assert (demo.directory / ".triplegate" / "demo.env").stat().st_mtime_ns == before


def test_commands_in_its_directory_are_about_it(command, demo, monkeypatch):
    monkeypatch.chdir(demo.directory)
    assert command("check").out.startswith("good: ")
    listed = command("key", "list", "--format", "csv").out.splitlines()
    assert len(listed) == 2
    assert ",demo,ml,app,demo," in listed[1]


def test_a_broken_edit_is_said_at_the_next_start_and_what_was_started_ends_with_it(tmp_path, command):
    folder = tmp_path / ".triplegate" / "demo"
    folder.mkdir(parents=True)
    (folder / "triplegate.yaml").write_text("routes: {one: 1}\n")
    done = command("demo", TRIPLEGATE_PORT="0", TRIPLEGATE_ADMIN_PORT="0")
    assert done.status == 1
    assert done.out.splitlines() == ["starting the sample upstreams and the local model …"]
    assert "triplegate.yaml:1:" in done.err
    assert done.err.endswith("nothing was started\n")
    assert "triplegate.samples" not in "".join(commands_of_children())


def commands_of_children():
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        with contextlib.suppress(OSError):
            yield Path(f"/proc/{pid}/cmdline").read_text()
