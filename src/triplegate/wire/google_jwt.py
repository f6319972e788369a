"""Service accounts of Google: tokens signed with their own key, which Google's APIs take as they are (AIP-4111)."""

import msgspec

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LASTS = 3300
"""Seconds a token is good for; Google takes an hour at most, counted from when it says it was issued."""
_SKEW = 60
"""Seconds our clock may be ahead of theirs."""


class ServiceAccount(msgspec.Struct, frozen=True, gc=False):
    """Of the JSON file that Google hands out once for each key."""

    client_email: str
    private_key: str
    """PEM."""
    private_key_id: str = ""
    type: str = "service_account"


_decode = msgspec.json.Decoder(ServiceAccount).decode


def read_account(text: str) -> ServiceAccount:
    """Raises ValueError when it is no key file of a service account; the message never quotes the file."""
    try:
        account = _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ValueError("it is not the JSON file of a service account's key") from None
    if account.type != "service_account":
        raise ValueError("it is a credential of Google's, but no service account's key")
    return account


def sign(account: ServiceAccount, now: int) -> str:
    """A token for every Google Cloud API the account may use, from `now` (Unix seconds) for `LASTS` seconds.

    Raises ValueError when the key is none.
    """
    import jwt  # takes its time, and few have an account of Google's

    claims = {
        "iss": account.client_email,
        "sub": account.client_email,
        "scope": SCOPE,
        "iat": now - _SKEW,
        "exp": now + LASTS,
    }
    headers = {"kid": account.private_key_id} if account.private_key_id else None
    try:
        return jwt.encode(claims, account.private_key, algorithm="RS256", headers=headers)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise ValueError("the service account's private key is no RSA key") from None
