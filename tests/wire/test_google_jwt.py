"""Tokens that a Google service account signs itself."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from triplegate.wire.google_jwt import LASTS, SCOPE, read_account, sign

KEY = rsa.generate_private_key(65537, 2048)
NOW = 1_790_000_000


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def file(**more: str) -> str:
    account = {
        "type": "service_account",
        "project_id": "ours",
        "private_key_id": "abc123",
        "private_key": pem(KEY),
        "client_email": "gate@ours.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps(account | more)


def test_a_token_says_who_for_what_and_for_less_than_an_hour():
    token = sign(read_account(file()), NOW)
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": "abc123"}
    claims = jwt.decode(
        token, KEY.public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
    )
    assert claims == {
        "iss": "gate@ours.iam.gserviceaccount.com",
        "sub": "gate@ours.iam.gserviceaccount.com",
        "scope": SCOPE,
        "iat": NOW - 60,
        "exp": NOW + LASTS,
    }
    assert claims["exp"] - claims["iat"] <= 3600


@pytest.mark.parametrize(
    "text", ["", "sk-secret", "[]", '{"client_email":"secret"}', '{"client_email":7,"private_key":"secret"}']
)
def test_what_is_no_key_file_is_refused_without_being_quoted(text: str):
    with pytest.raises(ValueError, match="not the JSON file") as refused:
        read_account(text)
    assert "secret" not in str(refused.value)


def test_another_kind_of_credential_is_refused():
    with pytest.raises(ValueError, match="no service account"):
        read_account(file(type="external_account"))


@pytest.mark.parametrize("key", ["", "secret", pem(ec.generate_private_key(ec.SECP256R1()))])
def test_a_key_that_cannot_sign_is_refused_without_being_quoted(key: str):
    with pytest.raises(ValueError, match="no RSA key") as refused:
        sign(read_account(file(private_key=key)), NOW)
    assert "secret" not in str(refused.value)
