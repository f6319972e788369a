"""TRIPLEGATE_* variables."""

import pytest

from triplegate.config.environment import VARIABLES, environment, lay_over, node_name, quieten
from triplegate.config.faults import Findings, Position
from triplegate.config.reader import Node, read
from triplegate.config.settings import Settings


def laid(text: str, variables: dict[str, str]) -> tuple[Node, Findings]:
    findings = Findings()
    node = read(text, "x", findings)[0] if text else Node({}, Position("x", 1, 1))
    lay_over(node, variables, findings)
    return node, findings


@pytest.mark.parametrize(("variable", "path"), VARIABLES.items())
def test_every_variable_leads_to_a_setting(variable: str, path: tuple[str, ...]) -> None:
    node, _ = laid("", {variable: "7"})
    value: object = node.plain()
    for part in path:
        value = value[part]  # type: ignore[index]
    assert value == "7"
    assert path[0] in Settings.model_fields


def test_a_variable_wins_over_the_file_and_leaves_the_rest() -> None:
    node, _ = laid("listeners: {data: {host: h, port: 1}}", {"TRIPLEGATE_PORT": "2"})
    assert node.plain() == {"listeners": {"data": {"host": "h", "port": "2"}}}


def test_an_empty_variable_is_none() -> None:
    assert laid("", {"TRIPLEGATE_PORT": ""})[0].plain() == {}


def test_a_mistyped_variable_is_warned_of_and_others_are_not() -> None:
    _, findings = laid("", {"TRIPLEGATE_REDSI_URL": "x", "TRIPLEGATE_KEY": "tg_x", "PATH": "/"})
    assert [str(one) for one in findings.warnings] == [
        "$TRIPLEGATE_REDSI_URL unknown variable TRIPLEGATE_REDSI_URL (did you mean 'TRIPLEGATE_REDIS_URL'?)"
    ]


def test_the_process_environment_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPLEGATE_NODE", "n1")
    found = environment()
    monkeypatch.setenv("TRIPLEGATE_NODE", "n2")
    assert found["TRIPLEGATE_NODE"] == "n1"
    assert node_name()


def test_what_a_library_reads_is_said_only_where_nobody_has(monkeypatch):
    monkeypatch.setenv("QUIET_A", "mine")
    monkeypatch.delenv("QUIET_B", raising=False)
    quieten("QUIET_A", "ours")
    quieten("QUIET_B", "ours")
    assert (environment()["QUIET_A"], environment()["QUIET_B"]) == ("mine", "ours")
    monkeypatch.delenv("QUIET_B")
