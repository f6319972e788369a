"""Know the caller by a signed token of an identity provider."""

import hashlib
from collections.abc import Awaitable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from pydantic import Field

from triplegate.config.types import TeamRef
from triplegate.core.duration import Duration
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Headers, Reply
from triplegate.core.identity import Principal
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_RESOURCE = "resource"
_KEPT = 16_384
_RELOAD_EVERY = 30.0  # seconds between two loads for unknown key ids (F-12)
_FRESH = 300.0
_STALE = 86_400.0


class KeySet(msgspec.Struct):
    """A JWKS as last loaded, and the tokens proved with it."""

    keys: dict[str, tuple[str, Any]] = {}
    """kid → (algorithm the key is bound to or empty, key)."""
    loaded: float = float("-inf")
    """Monotonic seconds of the last good load."""
    tried: float = float("-inf")
    loading: bool = False
    proved: dict[bytes, tuple[float, Principal]] = {}
    """SHA-256 of the whole token with the policy's own digest → (exp, principal)."""


class Jwt(Policy):
    """Verify a bearer JWT (RFC 7519, RFC 8725): algorithm pinned, `iss`, `aud`, `exp`, `nbf` checked.

    `jku`, `x5u` and `jwk` in a token are ignored. A verified token is remembered, by SHA-256 of the whole of it, until
    it expires. A call without a bearer token is left to the route's other identity policies.
    """

    use: Literal["jwt"] = "jwt"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.IDENTIFY
    security: ClassVar = True
    issuer: str
    """Exact `iss`."""
    audience: str | tuple[str, ...]
    """`aud` must hold one of these; `resource`: the URI of the endpoint that is called (mcp gate, RFC 8707)."""
    keys: Annotated[str, Field(pattern=r"^(file:|env:|https?://).+", examples=["file:jwks.json"])]
    """Where the JWKS is: file:, env: or a URL (reloaded off the path)."""
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("RS256", "ES256", "EdDSA")
    """Algorithms accepted; HMAC and none never are."""
    token_type: str | None = None
    """Required `typ` header, e.g. at+jwt (RFC 9068)."""
    leeway: Annotated[Duration, Field(le=300)] = 60.0
    """Allowed clock difference."""
    team: TeamRef | None = None
    """Team that every caller belongs to; else `team_claim` names it."""
    team_claim: str = "team"
    """Claim that names the caller's team."""
    consumer_claim: str = "sub"
    """Claim that names the consumer."""
    scopes_claim: str = "scope"
    """Claim with the scopes: a string with spaces or a list."""
    roles_claim: str = "roles"
    """Claim with a list of roles."""

    def status(self, kit: Kit) -> str:
        """What is missing: a key file that cannot be read."""
        if self.keys.startswith("http"):
            return ""
        text = kit.secrets.read(self.keys)
        if text is None:
            return f"key set '{self.keys}' cannot be read"
        try:
            parse_jwks(text)
        except ValueError as error:
            return f"key set '{self.keys}' is not a JWKS: {error}"
        return ""

    def strange_on(self, gate: str) -> str:
        """Only endpoints of the mcp gate have a URI that tokens are made for."""
        if self.audience == _RESOURCE and gate != "mcp":
            return "audience: resource is for the mcp gate"
        return super().strange_on(gate)

    def build(self, kit: Kit) -> Step:
        """The step that sets `exchange.principal`."""
        key_set = kit.state(KeySet, f"jwks:{self.keys}", KeySet)
        if not self.keys.startswith("http"):
            key_set.keys = parse_jwks(kit.secrets.read(self.keys) or "")
            key_set.proved.clear()  # another file, another truth
        remote = self.keys.startswith("http")
        salt = hashlib.sha256(repr((self.model_dump(), sorted(kit.directory.teams.items()))).encode()).digest()
        wall = kit.clock.wall

        def step(exchange: Exchange, proceed: Proceed) -> Awaitable[Reply]:
            token = None if exchange.principal is not None else bearer(exchange.inbound.headers)
            if token is None:
                return proceed(exchange)
            mark = hashlib.sha256(salt + exchange.resource.encode() + b" " + token).digest()
            proved = key_set.proved.get(mark)
            if proved is None:
                return self._prove(kit, key_set, mark, token, exchange, proceed)
            if proved[0] + self.leeway <= wall():
                raise _wrong("expired", self.label)
            if remote:  # or a key that was withdrawn would go on proving what it proved once
                self._keep_fresh(kit, key_set, kit.clock.now())
            exchange.principal = proved[1]
            return proceed(exchange)

        return step

    async def _prove(
        self, kit: Kit, key_set: KeySet, mark: bytes, token: bytes, exchange: Exchange, proceed: Proceed
    ) -> Reply:
        import jwt

        try:
            head = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise _wrong(f"malformed: {error}", self.label) from None
        key = await self._key(kit, key_set, str(head.get("kid", "")))
        if head.get("alg") not in self.algorithms or (key[0] and key[0] != head["alg"]):
            raise _wrong("algorithm not allowed", self.label)
        if self.token_type is not None and str(head.get("typ", "")).lower() != self.token_type.lower():
            raise _wrong("wrong typ", self.label)
        claims = self._decode(token, key[1], kit.clock.wall(), self._audiences(exchange.resource))
        principal = self._principal(kit, claims)
        if len(key_set.proved) >= _KEPT:
            del key_set.proved[next(iter(key_set.proved))]
        key_set.proved[mark] = (float(claims["exp"]), principal)
        exchange.principal = principal
        return await proceed(exchange)

    def _audiences(self, resource: str) -> list[str]:
        if self.audience != _RESOURCE:
            return [self.audience] if isinstance(self.audience, str) else list(self.audience)
        if not resource:
            raise Refusal("policy_unavailable", "Tokens cannot be checked.", reason="mcp.oauth is not written")
        return [resource]

    def _decode(self, token: bytes, key: Any, now: float, audiences: list[str]) -> dict[str, Any]:
        import jwt

        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(self.algorithms),
                audience=audiences,
                issuer=self.issuer,
                options={
                    "require": ["exp", "iss", "aud"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            expires, not_before = float(claims["exp"]), float(claims.get("nbf", 0))
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise _wrong(str(error), self.label) from None
        # times are read from our own clock, so that a test (or a broken host clock) can be told
        if expires + self.leeway <= now:
            raise _wrong("expired", self.label)
        if not_before - self.leeway > now:
            raise _wrong("not valid yet", self.label)
        return claims

    async def _key(self, kit: Kit, key_set: KeySet, kid: str) -> tuple[str, Any]:
        now = kit.clock.now()
        if self.keys.startswith("http"):
            known = kid in key_set.keys
            if not known and now - key_set.tried >= _RELOAD_EVERY and not key_set.loading:
                await self._load(kit, key_set)
            self._keep_fresh(kit, key_set, now)
        key = key_set.keys.get(kid)
        if key is None and not kid and len(key_set.keys) == 1:
            key = next(iter(key_set.keys.values()))
        if key is None:
            raise _wrong("unknown kid", self.label)
        return key

    def _keep_fresh(self, kit: Kit, key_set: KeySet, now: float) -> None:
        """Load the set anew, off the path, when its time has come. Raises Refusal when it has not come for a day."""
        age = now - key_set.loaded
        if age < _FRESH:
            return
        if now - key_set.tried >= _RELOAD_EVERY:
            key_set.tried = now
            kit.supervisor.spawn(self._load(kit, key_set), "jwks")
        if age > _STALE:
            raise Refusal("policy_unavailable", "Tokens cannot be checked.", reason="JWKS unreachable for a day")

    async def _load(self, kit: Kit, key_set: KeySet) -> None:
        key_set.loading, key_set.tried = True, kit.clock.now()
        try:
            status, _, body = await kit.dial.fetch("GET", self.keys, [(b"accept", b"application/json")])
            if status == 200:
                fresh = parse_jwks(body.decode())
                if fresh:
                    if fresh != key_set.keys:  # other names, or another key under the same one
                        key_set.proved.clear()
                    key_set.keys, key_set.loaded = fresh, kit.clock.now()
        except (Refusal, ValueError):
            return  # the last good set stays; its age is checked by the caller
        finally:
            key_set.loading = False

    def _principal(self, kit: Kit, claims: Mapping[str, Any]) -> Principal:
        consumer, team = claims.get(self.consumer_claim), self.team or claims.get(self.team_claim)
        if not isinstance(consumer, str) or not consumer or not isinstance(team, str):
            raise _wrong(f"claim '{self.consumer_claim}' or '{self.team_claim}' is missing", self.label)
        known = kit.directory.teams.get(team)
        if known is None:
            raise _wrong("the token's team is not configured", self.label)
        said = claims.get(self.scopes_claim) or ()
        told = claims.get(self.roles_claim) or ()
        return kit.directory.principal(
            known,
            consumer,
            "jwt",
            roles=frozenset(str(role) for role in told if isinstance(told, list)),
            scopes=frozenset(said.split() if isinstance(said, str) else map(str, said)),
            claims=claims,
        )


def bearer(headers: Headers) -> bytes | None:
    """The bearer token of a request, unless it is a virtual key."""
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer " and value[7:10] != b"tg_":
            return value[7:].strip()
    return None


def parse_jwks(text: str) -> dict[str, tuple[str, Any]]:
    """Key id → (bound algorithm, key) of the signature keys in a JWKS (RFC 7517); symmetric keys are left out.

    Raises ValueError when the text is not a JWKS.
    """
    import jwt

    try:
        document = msgspec.json.decode(text)
        entries = document["keys"]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ValueError(f"no 'keys' list: {error}") from None
    keys: dict[str, tuple[str, Any]] = {}
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("kty") == "oct" or entry.get("use", "sig") != "sig":
            continue
        try:
            keys[str(entry.get("kid", ""))] = (str(entry.get("alg", "")), jwt.PyJWK(entry).key)
        except jwt.PyJWKError as error:
            raise ValueError(f"key '{entry.get('kid', '')}': {error}") from None
    return keys


def _wrong(reason: str, label: str) -> Refusal:
    return Refusal(
        "invalid_credentials",
        "The token is not valid.",
        reason=reason,
        policy=label,
        headers=[(b"www-authenticate", b'Bearer error="invalid_token"')],
    )
