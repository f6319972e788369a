"""Cohere as a provider is one constant."""

from triplegate.wire.cohere import PROVIDER
from triplegate.wire.neutral import Media, Message, Request, Tool, ToolResult


def test_the_model_stands_in_the_body_and_not_in_the_path():
    assert PROVIDER.path("command-a", True) == PROVIDER.path("command-a", False) == "chat"
    assert PROVIDER.family == "cohere"


def test_every_stated_loss_is_a_field_of_requests_or_of_their_parts():
    kinds = (Request, Message, Media, Tool, ToolResult)
    assert set(PROVIDER.losses) <= {name for kind in kinds for name in kind.__struct_fields__} | {"media"}
