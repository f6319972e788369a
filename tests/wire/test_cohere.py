"""Cohere as a provider is one constant."""

from triplegate.wire.cohere import PROVIDER


def test_the_model_stands_in_the_body_and_not_in_the_path():
    assert PROVIDER.path("command-a", True) == PROVIDER.path("command-a", False) == "chat"
    assert PROVIDER.family == "cohere"
