"""Documents of OAuth at the mcp gate: what the gate is to clients with tokens, and how it gets tokens of its own."""

from typing import Annotated

from pydantic import Field

from triplegate.config.documents_base import Document
from triplegate.config.types import Endpoint, Scope, Worded

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
