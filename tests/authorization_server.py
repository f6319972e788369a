"""An OAuth authorization server for tests: keys, metadata, tokens for whoever asks; it counts and can fail."""

import base64
import hashlib
import json
import time
from urllib.parse import parse_qs, urlencode

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
        self.codes = {}
        """Code → what was asked at /authorize."""
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
            return Answer.json(self._metadata())
        if request.path == "/register":
            return Answer.json(json.loads(await request.body()) | {"client_id": "c1"}, 201)
        if request.path == "/authorize":
            return self._authorize(request.query)
        if request.path == "/jwks":
            return Answer(jwks().encode(), content_type="application/json")
        if request.path == "/token" and request.method == "POST":
            return await self._give(request)
        raise Refused(Answer.json({"error": "not_found"}, 404))

    def _metadata(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "registration_endpoint": f"{self.issuer}/register",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def _authorize(self, asked):
        """Everybody consents to everything."""
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        return Answer(status=302, headers=[("location", f"{asked['redirect_uri']}?{urlencode(back)}")])

    def _redeem(self, form):
        asked = self.codes.pop(form["code"])
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if proof.decode() != asked["code_challenge"] or form["resource"] != asked["resource"]:
            return Answer.json({"error": "invalid_grant"}, 400)
        token = self.token(form["resource"], asked.get("scope", ""))
        return Answer.json({"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in})

    async def _give(self, request):
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        self.asked.append(form | {"authorization": request.header("authorization")})
        if self.gate is not None:
            await self.gate.wait()
        if form["grant_type"] == "authorization_code":
            return self._redeem(form)
        if self.status != 200:
            return Answer.json({"error": "invalid_client"}, self.status)
        token = f"given-{len(self.asked)}"
        return Answer.json({"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in})
