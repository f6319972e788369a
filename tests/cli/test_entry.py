"""Exit statuses, and failures that are sentences."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from triplegate import __version__
from triplegate.cli import entry

ROOT = Path(__file__).resolve().parents[2]
TRIPLEGATE = [sys.executable, "-m", "triplegate"]


def test_help_lists_exactly_the_commands_that_exist(command):
    said = command("--help")
    assert said.status == 0
    listed = re.findall(r"^│ ([a-z][a-z-]*) ", said.out.partition("Commands")[2], re.MULTILINE)
    assert sorted(listed) == sorted(entry.COMMANDS)
    for name in entry.COMMANDS:
        assert command(name, "--help").status == 0


def test_the_readme_lists_exactly_the_commands_that_exist():
    table = (ROOT / "README.md").read_text().partition("## Commands")[2].partition("\n## ")[0]
    assert sorted(set(re.findall(r"^\| `triplegate ([a-z-]+)", table, re.MULTILINE))) == sorted(entry.COMMANDS)


def test_it_says_its_version(command):
    assert command("--version").out.strip() == __version__


@pytest.mark.parametrize(
    "words", [("unheard-of",), ("check", "--nonsense"), ("explain", "GET"), ("serve", "--workers", "many")]
)
def test_wrong_usage_is_status_2_and_says_how_to_get_help(command, words):
    done = command(*words)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("triplegate: ")
    assert done.err.endswith("Try: triplegate --help\n")


@pytest.mark.parametrize(
    "words", [("check",), ("serve",), ("key", "list"), ("report", "usage"), ("explain", "GET", "/")]
)
def test_without_a_configuration_every_command_says_where_to_begin(command, words):
    done = command(*words)
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        "no configuration here: say --config DIR, or begin with `triplegate init DIR` or `triplegate demo`\n"
    )


@pytest.mark.parametrize(
    "words", [("check",), ("serve",), ("key", "list"), ("report", "usage"), ("explain", "GET", "/")]
)
def test_a_configuration_that_is_not_there_is_status_1(command, words):
    done = command(*words, "--config", "nowhere")
    assert (done.status, done.out) == (1, "")
    assert re.fullmatch("nowhere: .*no such file or directory\n", done.err, re.IGNORECASE)


@pytest.mark.parametrize("words", [("serve",), ("key", "list"), ("report", "usage"), ("explain", "GET", "/")])
def test_a_broken_configuration_is_shown_by_every_command(command, tmp_path, words):
    (tmp_path / "triplegate.yaml").write_text("routes: {one: {servic: orders}}\n")
    done = command(*words)
    assert (done.status, done.out) == (1, "")
    assert "triplegate.yaml:1:16 unknown field 'servic' (did you mean 'service'?)" in done.err
    assert done.err.splitlines()[-1].endswith("nothing was started")


def test_a_failure_that_nobody_foresaw_is_a_sentence_too(command, monkeypatch):
    monkeypatch.setattr(entry, "_run", lambda app, arguments: 1 // 0)
    done = command("check")
    assert done.status == 1
    assert done.err.startswith("triplegate: unexpected ZeroDivisionError: ")
    assert "test_entry.py:" in done.err


def test_an_interrupt_is_status_130(command, monkeypatch):
    def interrupted(app, arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "_run", interrupted)
    done = command("check")
    assert (done.status, done.out, done.err) == (130, "", "")


def test_a_reader_that_has_enough_is_no_failure(tmp_path):
    (tmp_path / "triplegate.yaml").write_text("services: {}\n")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*TRIPLEGATE, "check"], cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=30
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("no_color", ["", "1"])
def test_on_a_terminal_errors_show_their_line_in_colour_unless_told_otherwise(tmp_path, no_color):
    (tmp_path / "triplegate.yaml").write_text("services: {}\nroutes: {one: {servic: orders}}\n")
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [*TRIPLEGATE, "check"],
            cwd=tmp_path,
            env={**os.environ, "NO_COLOR": no_color, "TERM": "xterm"},
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            timeout=30,
        )
        shown = os.read(ours, 65_536).decode().replace("\r\n", "\n")
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 1
    assert "    routes: {one: {servic: orders}}\n" in re.sub(r"\x1b\[\d+m", "", shown)
    assert ("\x1b[" in shown) is (no_color == "")
