"""A command as a server: an argument list, never a line for a shell."""

import pytest
from pydantic import ValidationError

from triplegate.config import documents_mcp, documents_mcp_ends
from triplegate.config.documents_mcp import ServerDocument


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"command": "server --flag"}, "tuple"),
        ({"command": []}, "at least 1"),
        ({"command": ["a\0b"]}, "without NUL"),
        ({"command": ["a"], "env": {"NO-NAME": "x"}}, "letters, digits and underscore"),
        ({"command": ["a"], "url": "http://h/mcp"}, "write one of url, command, routes, models"),
        ({}, "write one of url, command, routes, models"),
        ({"command": ["a"], "headers": {"x": "y"}}, "headers is for a server with url"),
        ({"url": "http://h/mcp", "env": {"A": "b"}}, "env is for a server with command"),
        ({"command": ["a"], "transport": "sse"}, "transport is for a server with url"),
        ({"routes": {"openapi": "x"}, "models": ["m"]}, "write one of"),
        ({"routes": {"openapi": "x", "base": "/a/"}}, "without slash at its end"),
        ({"routes": {"openapi": "x", "base": "/a/../b/%2e"}}, "without slash at its end"),
        ({"models": []}, "at least 1"),
        ({"command": ["a"], "processes": {"most": 0}}, "greater than or equal to 1"),
        ({"command": ["a"], "processes": {"line": 1}}, "greater than or equal to 1024"),
        ({"command": ["a"], "isolation": "none"}, "shared"),
        ({"command": ["a"], "limits": {}}, "write memory, cpu, files or processes"),
        ({"command": ["a"], "limits": {"memory": "1MiB"}}, "greater than or equal to 16777216"),
        ({"command": ["a"], "limits": {"files": 0}}, "greater than or equal to 8"),
        ({"url": "http://h/mcp", "limits": {"files": 64}}, "limits is for a server with command"),
        ({"command": ["a"], "user": "a b"}, "user or user:group"),
    ],
)
def test_what_could_not_be_run_as_it_is_meant_is_refused(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ServerDocument.model_validate(wrong)


def test_only_root_runs_a_command_as_somebody_else_and_never_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(**more: object) -> ServerDocument:
        return ServerDocument.model_validate({"command": ["a"], **more})

    for module in (documents_mcp, documents_mcp_ends):
        monkeypatch.setattr(module, "is_root", lambda: False)
    with pytest.raises(ValidationError, match="only a gateway that runs as root"):
        read(user="nobody")
    limits = read(limits={"memory": "64MiB", "cpu": "1.5s"}).limits
    assert limits is not None
    assert limits.written() == {"memory": 64 << 20, "cpu": 2}
    for module in (documents_mcp, documents_mcp_ends):
        monkeypatch.setattr(module, "is_root", lambda: True)
    assert read(user="nobody", limits={"files": 64}).user == "nobody"
    for user, why in (("root", "stays root's"), ("no-such-user", "no user"), ("nobody:0", "root's group")):
        with pytest.raises(ValidationError, match=why):
            read(user=user)
    with pytest.raises(ValidationError, match="root can lift its limits"):
        read(limits={"files": 64})


def test_a_command_inherits_little_and_is_shown_as_it_is_typed() -> None:
    server = ServerDocument.model_validate({"command": ["node", "my server.js", "/data"]})
    assert server.inherit == ("PATH", "HOME", "LANG", "TZ")
    assert server.place == "node 'my server.js' /data"
    assert server.addresses() == ()
    assert (server.processes.most, server.processes.idle, server.processes.lifetime) == (16, 1800.0, None)
