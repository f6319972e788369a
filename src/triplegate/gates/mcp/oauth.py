"""The gate as an OAuth 2.1 resource server: metadata of each endpoint, challenges, and what every token needs."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from triplegate.config.documents_oauth import ResourceDocument
from triplegate.core.errors import Refusal
from triplegate.core.http import Headers, Reply
from triplegate.core.identity import Principal
from triplegate.gates.mcp.refusals import json_reply

WELL_KNOWN = "/.well-known/oauth-protected-resource"
"""RFC 9728 §3: the path of the resource follows."""

_CHALLENGE = b"www-authenticate"
_SCOPE = re.compile(rb',? ?scope="([^"]*)"')
_VIRTUAL = re.compile(r"/[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Oauth:
    """What clients with tokens are told."""

    __slots__ = ("_base", "_document", "_own")

    def __init__(self, document: ResourceDocument, base: str, own: Mapping[str, Iterable[str]]) -> None:
        """`base`: path of the gate; `own`: virtual server → scopes of its own."""
        self._document, self._base = document, base
        always = frozenset(document.scopes)
        self._own = {name: always | frozenset(scopes) for name, scopes in own.items()} | {"": always}

    def resource(self, path: str) -> str:
        """The URI that tokens for an endpoint name as their audience (RFC 8707)."""
        return self._document.url + path

    def scopes(self, virtual: str) -> frozenset[str]:
        """What every token needs there; of a name that nobody has it is what holds for all."""
        return self._own.get(virtual, self._own[""])

    def needed(self, virtual: str, principal: Principal) -> frozenset[str]:
        """What this caller needs there: of a token all of it, of a key nothing."""
        return self.scopes(virtual) if principal.method == "jwt" else frozenset()

    def metadata(self, path: str) -> Reply:
        """The document of the endpoint at `path` (RFC 9728 §2). Raises Refusal route_not_found.

        Whether there is such a virtual server is told to nobody here: every well-formed name has a document.
        """
        path = path or self._base
        rest = path.removeprefix(self._base)
        if not path.startswith(self._base) or (rest and not _VIRTUAL.fullmatch(rest)):
            raise Refusal("route_not_found", "There is no such endpoint.")
        told: dict[str, object] = {
            "resource": self.resource(path),
            "authorization_servers": self._document.authorization_servers,
            "bearer_methods_supported": ["header"],
        }
        scopes = self.scopes(rest[1:])
        if scopes:
            told["scopes_supported"] = sorted(scopes)
        return json_reply(msgspec.json.encode(told), headers=[(b"cache-control", b"public, max-age=300")])

    def challenge(self, path: str, reply: Reply, more: Iterable[str] = ()) -> None:
        """Let a 401, or a 403 for want of a scope, say where tokens are had and all scopes that are needed.

        `more`: scopes that the call needs besides those of the path.
        """
        scopes = self.scopes(path.removeprefix(self._base)[1:]).union(more)
        metadata = f'resource_metadata="{self._document.url}{WELL_KNOWN}{path}"'.encode("ascii")
        reply.headers = [
            (name, _completed(value, metadata, scopes) if name == _CHALLENGE else value)
            for name, value in reply.headers
        ]


def insufficient(needed: frozenset[str]) -> Refusal:
    """The refusal that names every scope a caller needs, those it has included (RFC 6750 §3.1)."""
    listed = " ".join(sorted(needed))
    headers: Headers = [(_CHALLENGE, f'Bearer error="insufficient_scope", scope="{listed}"'.encode("ascii"))]
    return Refusal("insufficient_scope", f"Needed scopes: {listed}.", headers=headers)


def _completed(value: bytes, metadata: bytes, scopes: frozenset[str]) -> bytes:
    found = _SCOPE.search(value)
    if found is not None:
        scopes |= set(found[1].decode("ascii").split())
        value = value[: found.start()] + value[found.end() :]
    parts = [value, metadata]
    if scopes:
        parts.append(f'scope="{" ".join(sorted(scopes))}"'.encode("ascii"))
    return b", ".join(parts)
