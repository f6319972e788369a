"""Certificates that listeners refer to: secrets that are there, may be used, and hold a chain with its key."""

import base64
from collections.abc import Callable

from triplegate.config.kubernetes.grants import Grants
from triplegate.config.kubernetes.inventory import Inventory
from triplegate.config.kubernetes.objects import SecretObject
from triplegate.config.kubernetes.objects_gateway import GatewayObject, Listener, SecretRef
from triplegate.config.secrets import Secret

Refuse = Callable[[str, str, str], None]


def check_certificates(
    gateway: GatewayObject, listener: Listener, inventory: Inventory, grants: Grants, refuse: Refuse
) -> list[tuple[str, Secret]]:
    """Chain and key (PEM) of each reference that is good; the first bad one refuses the listener."""
    if listener.tls is None or listener.tls.mode != "Terminate" or not listener.tls.certificate_refs:
        refuse("Accepted", "Invalid", "a listener with protocol HTTPS has tls with mode Terminate and certificateRefs")
        return []
    found = []
    for ref in listener.tls.certificate_refs:
        namespace = ref.namespace or gateway.namespace
        if not grants.permit(gateway, "Secret", namespace, ref.name):
            message = f"no ReferenceGrant in namespace {namespace} lets this gateway use secret {ref.name}"
            refuse("ResolvedRefs", "RefNotPermitted", message)
            continue
        pair = _pair(ref, namespace, inventory)
        if isinstance(pair, str):
            refuse("ResolvedRefs", "InvalidCertificateRef", pair)
        else:
            found.append(pair)
    return found


def _pair(ref: SecretRef, namespace: str, inventory: Inventory) -> tuple[str, Secret] | str:
    """Chain and key; a sentence when there are none."""
    if ref.group != "" or ref.kind != "Secret":
        return f"{ref.kind} {ref.name} is no secret of the core group"
    secret = inventory.find(SecretObject, namespace, ref.name)
    if secret is None:
        return f"there is no secret {namespace}/{ref.name}"
    chain, key = secret_text(secret, "tls.crt"), secret_text(secret, "tls.key")
    if chain is None or key is None:
        return f"secret {namespace}/{ref.name} has no tls.crt and tls.key that can be read"
    trouble = _mismatch(chain, key)
    return f"secret {namespace}/{ref.name}: {trouble}" if trouble else (chain, Secret(key))


def secret_text(secret: SecretObject, name: str) -> str | None:
    """An entry of a secret as text; None when it is missing or no base64 of text."""
    if name in secret.string_data:
        return secret.string_data[name]
    try:
        return base64.b64decode("".join(secret.data[name].split()), validate=True).decode("ascii")
    except (KeyError, ValueError):  # of base64, or of text
        return None


def _mismatch(chain: str, key: str) -> str:
    """What is wrong with a chain and its key; empty when they belong together."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    try:
        leaf = load_pem_x509_certificates(chain.encode("ascii"))[0]
    except (ValueError, IndexError):
        return "tls.crt is no certificate in PEM"
    try:
        private = load_pem_private_key(key.encode("ascii"), None)
    except (ValueError, TypeError):
        return "tls.key is no private key in PEM"
    return "" if leaf.public_key() == private.public_key() else "tls.key is not the key of tls.crt"
