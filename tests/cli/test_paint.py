"""Colour is for people who see it, and who did not say no."""

import io

import pytest

from triplegate.cli.paint import coloured, paint


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_terminal_sees_colours_and_a_pipe_does_not():
    assert paint("wrong", "red", Terminal()) == "\x1b[31mwrong\x1b[0m"
    assert paint("wrong", "red", io.StringIO()) == "wrong"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_says_no_to_colour_gets_none(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert paint("wrong", "red", Terminal()) == "wrong"


def test_an_empty_no_color_says_nothing(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "")
    assert coloured(Terminal())


def test_nothing_is_painted_as_nothing():
    assert paint("", "bold", Terminal()) == ""
