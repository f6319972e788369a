"""The gate as a resource server: what may be written."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_oauth import ClientCredentials, ResourceDocument

GOOD = {"url": "https://mcp.example.com", "authorization_servers": ["https://login.example.com/"]}


def test_an_issuer_keeps_the_slash_at_its_end_and_an_address_does_not() -> None:
    read = ResourceDocument.model_validate(GOOD | {"url": "https://mcp.example.com/"})
    assert read.authorization_servers == ("https://login.example.com/",)
    assert (read.url, read.scopes) == ("https://mcp.example.com", ())


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "https://mcp.example.com/mcp"},
        {"url": "mcp.example.com"},
        {"authorization_servers": []},
        {"authorization_servers": ["login.example.com"]},
        {"authorization_servers": ['https://login.example.com/"x']},
        {"scopes": ["a b"]},
        {"scopes": ['a"b']},
    ],
)
def test_what_could_not_be_told_to_clients_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ResourceDocument.model_validate(GOOD | wrong)


OURS = {"token_url": "https://login.example.com/token", "client_id": "gateway", "client_secret": "env:S"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://login.example.com"},
        {"token_url": None},
        {"client_secret": "the secret itself"},
        {"client_id": "two words"},
        {"method": "jwt"},
        {"resource": "urn:x"},
    ],
)
def test_credentials_that_could_not_be_used_are_refused(wrong: dict[str, object]) -> None:
    assert ClientCredentials.model_validate(OURS).method == "basic"
    with pytest.raises(ValidationError):
        ClientCredentials.model_validate(OURS | wrong)
