"""Documents of OAuth at the mcp gate: what the gate is to clients with tokens, and how it gets tokens of its own."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from triplegate.config.documents_base import Document
from triplegate.config.types import Address, Endpoint, Scope, SecretRef, Worded

Issuer = Annotated[
    str, Worded(r"https?://[^\s?#@\"\\]+", "an issuer as its tokens name it: https://login.example.com", longest=512)
]
"""Name of an authorization server; kept as written, with the slash at its end if it has one."""


class ResourceDocument(Document):
    """The gate as an OAuth 2.1 resource server: what clients with tokens are told (RFC 9728)."""

    url: Endpoint
    """How clients reach the gate: https://mcp.example.com; with an endpoint's path it is the audience of tokens."""
    authorization_servers: Annotated[tuple[Issuer, ...], Field(min_length=1, max_length=16)]
    """Who gives tokens to clients. That tokens are checked is the work of `jwt` policies with `audience: resource`."""
    scopes: Annotated[tuple[Scope, ...], Field(max_length=64)] = ()
    """Scopes that every token needs; keys need none."""


class ClientCredentials(Document):
    """How the gateway gets tokens of its own for a server (OAuth 2.1, grant client_credentials)."""

    token_url: Address | None = None
    """Where tokens are asked for."""
    issuer: Issuer | None = None
    """Instead of it: whose metadata (RFC 8414) says where."""
    client_id: Annotated[str, Worded(r"[\x21-\x7e]+", "visible ASCII without spaces", longest=512)]
    """Who asks."""
    client_secret: SecretRef
    """With which secret."""
    method: Literal["basic", "post"] = "basic"
    """How they are shown: in the header Authorization, or in the form."""
    scopes: Annotated[tuple[Scope, ...], Field(max_length=64)] = ()
    """Scopes that are asked for."""
    resource: Annotated[str, Worded(r"https?://[^\s#]+", "a URL without fragment", longest=2048)] | None = None
    """What the token is for (RFC 8707); absent = the server's address."""

    @model_validator(mode="after")
    def _one_place(self) -> "ClientCredentials":
        if (self.token_url is None) == (self.issuer is None):
            raise ValueError("write token_url or issuer")
        return self
