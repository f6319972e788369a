"""What stopped a command, in a sentence."""

import errno
import io
import os

import pytest

from triplegate.cli.failures import Failed, faults_text, os_sentence, told, unforeseen
from triplegate.config.faults import ConfigError, ConfigFault, Position
from triplegate.edge.listeners import PortTaken
from triplegate.samples.start import StartError
from triplegate.stores.sql.errors import DatabaseUnavailable

FAULTS = ConfigError(
    [
        ConfigFault(Position("b.yaml", 2, 3), "unknown field 'x'", "  x: 1"),
        ConfigFault(Position("a.yaml", 1, 1), "must be a list", "routes: 1"),
    ]
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PortTaken("port 8080 on 127.0.0.1 is in use"), "port 8080 on 127.0.0.1 is in use: stop that one, or choose"),
        (ConnectionRefusedError("redis://x does not answer"), "redis://x does not answer"),
        (ConnectionResetError(), "ConnectionResetError"),
        (PermissionError(errno.EACCES, "Permission denied", "/state/pepper"), "/state/pepper: Permission denied"),
        (TimeoutError(), "TimeoutError"),
        (StartError("samples did not come up"), "samples did not come up"),
        (DatabaseUnavailable("cannot be opened", "look at the path"), "cannot be opened"),
        (FAULTS, "nothing was started"),
    ],
)
def test_what_a_start_can_meet_becomes_a_sentence(error, sentence):
    with pytest.raises(Failed) as failed, told():
        raise error
    assert sentence in str(failed.value)
    assert failed.value.status == 1
    assert failed.value.__suppress_context__


def test_what_is_not_known_stays_what_it_is():
    with pytest.raises(KeyError), told():
        raise KeyError("x")


def test_in_a_pipe_faults_are_one_line_each_in_the_order_of_their_places():
    assert faults_text(FAULTS, io.StringIO()) == "a.yaml:1:1 must be a list\nb.yaml:2:3 unknown field 'x'\n2 errors"


def test_on_a_terminal_they_show_their_line_and_a_caret(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    one = ConfigError(FAULTS.faults[1:])
    assert faults_text(one, Terminal()) == "b.yaml:2:3 unknown field 'x'\n      x: 1\n      ^\n1 error"


def test_the_systems_own_words_are_kept():
    assert os_sentence(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) == "No space left on device"


def test_a_bug_says_where_it_is():
    try:
        raise ValueError("odd")
    except ValueError as error:
        text = unforeseen(error)
    assert text.startswith("triplegate: unexpected ValueError: odd (")
    assert "test_failures.py:" in text
