"""MCP servers and virtual servers."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_mcp import ServerDocument, VirtualServerDocument


def test_a_server_passes_all_its_tools_on_unless_told_otherwise() -> None:
    server = ServerDocument.model_validate({"url": "http://h/mcp"})
    assert (server.tools.allow, server.tools.deny, server.teams, server.price) == (("*",), (), None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "stdio:x"},
        {"url": "http://h/mcp", "alias": "a__b"},
        {"url": "http://h/mcp", "auth": {"bearer": "secret"}},
        {"url": "http://h/mcp", "auth": {}},
        {"url": "http://h/mcp", "auth": {"bearer": "env:A", "client_credentials": {}}},
        {"url": "http://h/mcp", "tools": {"alow": ["x"]}},
        {"url": "http://h/mcp", "headers": {"x": "a\nb"}},
    ],
)
def test_a_server_that_could_not_be_called_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ServerDocument.model_validate(wrong)


def test_a_virtual_server_names_tools() -> None:
    with pytest.raises(ValidationError):
        VirtualServerDocument.model_validate({"tools": []})
    with pytest.raises(ValidationError):
        VirtualServerDocument.model_validate({"tools": ["a b"]})
    assert VirtualServerDocument.model_validate({"tools": ["files__*"]}).teams is None


def test_tls_needs_an_address_of_https() -> None:
    with pytest.raises(ValidationError, match="https"):
        ServerDocument.model_validate({"url": "http://h/mcp", "tls": {"ca": "x"}})
    assert ServerDocument.model_validate({"url": "https://h/mcp", "tls": {"ca": "x"}}).tls is not None
