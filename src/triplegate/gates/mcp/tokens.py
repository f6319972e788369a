"""Tokens of our own for a server (OAuth 2.1 client credentials): asked for once, kept until shortly before they end."""

from base64 import b64encode
from collections.abc import Awaitable
from typing import TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec

from triplegate.config.documents_oauth import ClientCredentials
from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.core.ports import Kit
from triplegate.gates.mcp.shared_work import SharedWork

EARLY = 30.0
"""Seconds before its end from which on a token is not used any more."""

_UNSAID = 300.0  # seconds of a token that does not say how long it lasts
_AFTER_FAILURE = 5.0  # seconds before an authorization server that refused is asked again
_LONGEST = 16_384  # characters of a token
_METADATA = "/.well-known/oauth-authorization-server"


class _Given(msgspec.Struct):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - a kind, no secret
    expires_in: float | None = None


class _Metadata(msgspec.Struct):
    issuer: str
    token_endpoint: str


class TokenState:
    """A token as last given; outlives reloads and is shared by servers with the same credentials."""

    __slots__ = ("asking", "endpoint", "failed", "failed_until", "good_until", "header")

    def __init__(self) -> None:
        self.header = b""
        self.good_until = 0.0
        """Monotonic seconds."""
        self.failed = ""
        self.failed_until = 0.0
        self.endpoint = ""
        """As the issuer's metadata said it."""
        self.asking: SharedWork[bytes] = SharedWork()


class Tokens:
    """The tokens of one server."""

    __slots__ = ("_document", "_kit", "_resource", "_state", "missing")

    def __init__(self, document: ClientCredentials, url: str, kit: Kit) -> None:
        self._document, self._kit = document, kit
        self._resource = document.resource or url
        named = (document.issuer or document.token_url, document.client_id, document.scopes, self._resource)
        self._state = kit.state(TokenState, f"token:{named}", TokenState)
        secret = kit.secrets.read(document.client_secret)
        self.missing = "" if secret is not None else f"nothing at {document.client_secret}"
        """Why none can be had; empty when one can."""

    def header(self) -> bytes | Awaitable[bytes]:
        """The value of Authorization; one that has to be waited for is asked for once for all who wait.

        Raises Refusal upstream_credentials.
        """
        state = self._state
        if state.good_until > self._kit.clock.now():
            return state.header
        if state.failed_until > self._kit.clock.now():
            raise _none(state.failed)
        return state.asking.get(self._kit.supervisor, self._ask, "token")

    def reject(self, header: bytes) -> bool:
        """The server does not take it: it is not used again. False when another one is there already."""
        state = self._state
        if state.header != header:
            return False
        state.good_until = 0.0
        return True

    async def _ask(self) -> bytes:
        state, clock = self._state, self._kit.clock
        try:
            given = await self._given()
        except Refusal as refusal:
            state.failed, state.failed_until = refusal.reason, clock.now() + _AFTER_FAILURE
            raise _none(refusal.reason) from refusal
        lasts = _UNSAID if given.expires_in is None else max(0.0, given.expires_in)
        state.header = b"Bearer " + given.access_token.encode("ascii")
        state.good_until = clock.now() + lasts - EARLY
        return state.header

    async def _given(self) -> _Given:
        document = self._document
        form = {"grant_type": "client_credentials", "resource": self._resource}
        if document.scopes:
            form["scope"] = " ".join(document.scopes)
        secret = self._kit.secrets.read(document.client_secret)
        if secret is None:
            raise _none(f"nothing at {document.client_secret}")
        headers: Headers = [
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"accept", b"application/json"),
        ]
        if document.method == "basic":
            pair = f"{quote_plus(document.client_id)}:{quote_plus(secret)}"  # RFC 6749 §2.3.1
            headers.append((b"authorization", b"Basic " + b64encode(pair.encode())))
        else:
            form |= {"client_id": document.client_id, "client_secret": secret}
        endpoint = document.token_url or await self._endpoint()
        status, _, body = await self._kit.dial.fetch("POST", endpoint, headers, urlencode(form).encode())
        if status != 200:
            raise _none(f"{urlsplit(endpoint).netloc} answered {status}")
        given = _read(body, _Given)
        token = given.access_token
        visible = 0 < len(token) <= _LONGEST and all("!" <= letter <= "~" for letter in token)
        if given.token_type.lower() != "bearer" or not visible:
            raise _none(f"{urlsplit(endpoint).netloc} gave no bearer token")
        return given

    async def _endpoint(self) -> str:
        """As the issuer says (RFC 8414), which must be the very issuer that was asked."""
        state, issuer = self._state, self._document.issuer or ""
        if not state.endpoint:
            parts = urlsplit(issuer)
            url = f"{parts.scheme}://{parts.netloc}{_METADATA}{parts.path.rstrip('/')}"
            status, _, body = await self._kit.dial.fetch("GET", url, [(b"accept", b"application/json")])
            if status != 200:
                raise _none(f"{parts.netloc} has no metadata: {status}")
            found = _read(body, _Metadata)
            if found.issuer != issuer:
                raise _none(f"the metadata of {issuer} is another issuer's")
            if urlsplit(found.token_endpoint).scheme not in ("https", parts.scheme):
                raise _none(f"the token endpoint of {issuer} is not https")
            state.endpoint = found.token_endpoint
        return state.endpoint


T = TypeVar("T")


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _none("an authorization server's answer is malformed") from None


def _none(reason: str) -> Refusal:
    return Refusal("upstream_credentials", "The gateway has no token for the upstream at the moment.", reason=reason)
