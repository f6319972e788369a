"""Faults print as file:line:column message, with a caret, a hint, and never a secret."""

import pytest

from triplegate.config.faults import ConfigError, ConfigFault, Findings, Position, did_you_mean


def test_faults_are_sorted_by_place() -> None:
    faults = [ConfigFault(Position("b", 1, 1), "three"), ConfigFault(Position("a", 10, 1), "two")]
    faults.append(ConfigFault(Position("a", 2, 9), "one"))
    assert str(ConfigError(faults)).splitlines() == ["a:2:9 one", "a:10:1 two", "b:1:1 three"]


def test_the_caret_keeps_tabs() -> None:
    assert ConfigFault(Position("a", 1, 3), "no", "\t\tx").excerpt() == "a:1:3 no\n    \t\tx\n    \t\t^"


def test_a_variable_has_no_line() -> None:
    assert str(ConfigFault(Position("$TRIPLEGATE_PORT", 0, 0), "no")) == "$TRIPLEGATE_PORT no"


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("upsteam", ["upstream", "host"], " (did you mean 'upstream'?)"),
        ("key-auth", ["key_auth"], " (did you mean 'key_auth'?)"),
        ("LLM", ["llm"], " (did you mean 'llm'?)"),
        ("zebra", ["upstream"], ""),
        ("x", [], ""),
    ],
)
def test_the_nearest_known_word_is_offered(word: str, known: list[str], hint: str) -> None:
    assert did_you_mean(word, known) == hint


@pytest.mark.parametrize(
    "line",
    [
        "key: abcdefgh12345",
        '  {provider: x, "api_key": "abcdefgh12345", bad: 1}',
        "url: redis://:abcdefgh12345@host",
        "x: sk-abcdefgh12345",
        "authorization: Bearer abcdefgh12345",
        "x: tg_live_abcdefgh12345",
    ],
)
def test_a_line_that_may_hold_a_secret_is_not_shown(line: str) -> None:
    findings = Findings()
    findings.opened("f", line)
    findings.fault(Position("f", 1, 1), "bad")
    assert "abcdefgh12345" not in findings.faults[0].excerpt()


@pytest.mark.parametrize("line", ["key: env:OPENAI", "policies: [{use: key_auth, x: 1}]", "auth: {bearer: true}"])
def test_a_line_without_a_secret_is_shown(line: str) -> None:
    findings = Findings()
    findings.opened("f", line)
    findings.warn(Position("f", 1, 1), "odd")
    assert line in findings.warnings[0].excerpt()
