"""A key set and a token proved with it: the caller of the subjects that know their callers by JWT."""

import json
import time
from pathlib import Path

ISSUER, AUDIENCE = "https://id.bench", "bench"


def issue(directory: Path) -> str:
    """Write `jwks.json` into `directory`; an RS256 token of alice that is good for a day."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    entry = {**public, "kid": "bench", "alg": "RS256", "use": "sig"}
    (directory / "jwks.json").write_text(json.dumps({"keys": [entry]}))
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "nbf": now, "exp": now + 86_400}
    return str(jwt.encode(claims, key, "RS256", headers={"kid": "bench"}))
