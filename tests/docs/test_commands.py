"""The commands in the docs run: block by block in one demo, as a newcomer pastes them, and print what the docs show."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from tests.docs.reference import DOCS
from tests.journeys.running import House

PAGES = (
    "README.md",
    "docs/getting-started.md",
    "docs/llm.md",
    "docs/costs.md",
    "docs/budgets.md",
    "docs/limits.md",
    "docs/ledger.md",
    "docs/chargeback.md",
)
NOT_RUN = {
    "make run": "installs for minutes; what it starts is the demo that all others here are run in",
    "make test": "is what runs this",
    "triplegate serve --config my-gateway": "stays in the foreground; every journey starts one",
}
"""Commands that are shown and not run here → why."""
BLOCK = re.compile(r"^```(?:console|sh|bash|shell)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SAME = (
    (re.compile(r'(?<="content":")[^"]*'), "words"),  # what a model says
    (re.compile(r"\btg_[a-z0-9]+_\w+"), "key"),
    (re.compile(r'"[0-9a-f]{16}"'), '"tag"'),
    (re.compile(r"\b[0-9A-Z]{26}\b"), "id"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} "), "day "),
    (re.compile(r"\d[\d.,:%]*"), "0"),
    (re.compile(r"[ \t]+"), " "),
)
"""What differs from one run to the next, and what stands for it."""

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs bash and curl"),
]


def steps(text: str) -> list[tuple[str, str]]:
    """Command and shown output of every block, in order."""
    found = []
    for block in BLOCK.findall(text):
        assert block.startswith("$ "), f"a block of commands begins with $: {block}"
        for step in block.removeprefix("$ ").split("\n$ "):
            command, _, shown = step.partition("\n")
            found.append((command, shown))
    return found


def alike(text: str) -> str:
    for pattern, stand_in in SAME:
        text = pattern.sub(stand_in, text)
    return text.strip()


def missing(shown: str, printed: str) -> list[str]:
    """Lines that are shown and were not printed, in this order; `…` stands for anything, a line of it for lines."""
    left, lost = iter([alike(line) for line in printed.splitlines()]), []
    for line in shown.splitlines():
        wanted = re.compile(".*".join(re.escape(alike(part)).replace("\\ ", " ?") for part in line.split("…")))
        if line.strip() not in ("", "…") and not any(wanted.fullmatch(one) for one in left):
            lost.append(line)
            left = iter([alike(one) for one in printed.splitlines()])
    return lost


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    for place in (folder / ".venv" / "bin", folder / "bin"):
        place.mkdir(parents=True)
        (place / "triplegate").write_text(f'#!/bin/sh\nexec {sys.executable} -m triplegate "$@"\n')
        (place / "triplegate").chmod(0o755)
    with House(folder, "demo") as house:
        yield house


def run(house: House, command: str) -> subprocess.CompletedProcess[str]:
    """As a person in the second terminal, who has read `demo.env` in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIPLEGATE_")}
    path = f"{house.directory / 'bin'}:{kept['PATH']}"
    return subprocess.run(
        ["bash", "-c", f". .triplegate/demo.env; {command}"],
        cwd=house.directory,
        env={**kept, "PATH": path, "COLUMNS": "300", "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_runs_and_prints_what_the_page_shows(demo: House, page: str) -> None:
    real_model = not any("the scripted provider answers" in line for line in demo.lines)
    for command, shown in steps((DOCS.parent / page).read_text()):
        if command in NOT_RUN:
            continue
        done = run(demo, command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        if real_model or "smollm2" not in command + shown:
            assert not missing(shown, done.stdout), f"{command}\n{done.stdout}"


def test_what_is_not_run_is_shown_somewhere() -> None:
    told = {command for page in PAGES for command, _ in steps((DOCS.parent / page).read_text())}
    assert set(NOT_RUN) <= told


def test_no_command_stands_outside_of_a_block() -> None:
    for page in PAGES:
        text = (DOCS.parent / page).read_text()
        assert not re.findall(r"^ {4}(?:triplegate|curl|make) .*$", text, re.MULTILINE), page


def test_a_comparison_tells_what_is_not_there() -> None:
    printed = "team  cost\nml    0.0011\nweb   12\n\nas of 2026-11-24 07:06:09 UTC"
    assert missing("team  cost\nml    0.5\n…\nas of 2026-01-01 00:00:00 …", printed) == []
    assert missing("web 1\nml 1", printed) == ["ml 1"]
    assert missing("team  costs", printed) == ["team  costs"]
