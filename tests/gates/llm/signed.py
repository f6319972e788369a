"""What Amazon makes of a signed request: whether the signature is that of the secret (written by its documentation)."""

import hashlib
import hmac
from urllib.parse import quote


def fields(head):
    """Header fields of a request's head, by their names in small letters."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}


def signed_with(received, secret):
    """Credential scope and signed names of a request whose signature is right; None when it is not."""
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
    had = fields(head)
    given = dict(
        part.strip().split("=", 1) for part in had["authorization"].removeprefix("AWS4-HMAC-SHA256").split(",")
    )
    names = given["SignedHeaders"].split(";")
    key_id, *scope = given["Credential"].split("/")
    digest = hashlib.sha256(body).hexdigest()
    canonical = [
        method,
        quote(target, safe="/"),
        "",
        *[f"{name}:{had[name]}" for name in names],
        "",
        ";".join(names),
        digest,
    ]
    hashed = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    key = b"AWS4" + secret.encode()
    for part in (*scope, "\n".join(["AWS4-HMAC-SHA256", had["x-amz-date"], "/".join(scope), hashed])):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return (key_id, *scope, names) if key.hex() == given["Signature"] else None
