"""An OAuth authorization server for tests: keys, metadata, tokens for whoever asks; it counts and can fail."""

import json
import time
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from triplegate.samples.http import Answer, Refused

_KEY = ec.generate_private_key(ec.SECP256R1())
_STRANGE = ec.generate_private_key(ec.SECP256R1())


def jwks() -> str:
    """Its public keys."""
    key = jwt.algorithms.ECAlgorithm.to_jwk(_KEY.public_key(), as_dict=True)
    return json.dumps({"keys": [key | {"kid": "k1", "alg": "ES256", "use": "sig"}]})


class AuthorizationServer:
    """Gives tokens away; `issuer` is whatever its address turns out to be."""

    def __init__(self, issuer="https://login.example.com"):
        self.issuer = issuer
        self.asked = []
        """The forms that came to /token."""
        self.expires_in = 3600
        self.status = 200
        self.gate = None
        """An event that answers wait for, if any."""

    def token(self, audience, scope="", *, genuine=True, **more):
        """A token of its own; `genuine=False`: of the same words under another's signature."""
        claims = {
            "iss": self.issuer,
            "aud": audience,
            "sub": "ada",
            "team": "web",
            "exp": int(time.time()) + 300,
            "scope": scope,
        } | more
        return jwt.encode(claims, _KEY if genuine else _STRANGE, "ES256", headers={"kid": "k1"})

    async def __call__(self, request):
        if request.path.startswith("/.well-known/oauth-authorization-server"):
            told = {"issuer": self.issuer, "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/jwks"}
            return Answer.json(told)
        if request.path == "/jwks":
            return Answer(jwks().encode(), content_type="application/json")
        if request.path == "/token" and request.method == "POST":
            return await self._give(request)
        raise Refused(Answer.json({"error": "not_found"}, 404))

    async def _give(self, request):
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        self.asked.append(form | {"authorization": request.header("authorization")})
        if self.gate is not None:
            await self.gate.wait()
        if self.status != 200:
            return Answer.json({"error": "invalid_client"}, self.status)
        token = f"given-{len(self.asked)}"
        return Answer.json({"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in})
