"""Know the caller by a virtual key."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import ClassVar, Literal

import msgspec

from triplegate.config.documents_budgets import key_allowances
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Headers, Reply
from triplegate.core.identity import (
    Directory,
    KeyRecord,
    Principal,
    digest_key,
    key_id_of,
    same_digest,
)
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit

_KEPT = 65_536  # verified keys remembered; the oldest goes first


class Verified(msgspec.Struct):
    """Keys proved once: SHA-256 of the whole key → its record, directory and principal."""

    known: dict[bytes, tuple[KeyRecord, Directory, Principal]] = {}


class KeyAuth(Policy):
    """Accept `Authorization: Bearer tg_…` or `x-api-key: tg_…`.

    A key with a wrong checksum costs no look-up; unknown, wrong, expired and revoked keys get one answer. A call
    without a virtual key is left to the route's other identity policies.
    """

    use: Literal["key_auth"] = "key_auth"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.IDENTIFY
    security: ClassVar = True

    def build(self, kit: Kit) -> Step:
        """The step that sets `exchange.principal`."""
        state = kit.state(Verified, "key_auth", Verified)
        keys, clock, pepper, directory = kit.keys, kit.clock, kit.pepper, kit.directory
        label = self.label
        known = state.known

        def step(exchange: Exchange, proceed: Proceed) -> Awaitable[Reply]:
            if exchange.principal is not None:
                return proceed(exchange)
            key = presented(exchange.inbound.headers)
            if key is None:
                return proceed(exchange)
            mark = hashlib.sha256(key).digest()
            found = known.get(mark)
            if found is not None and keys.find(found[0].key_id) is found[0] and found[1] is directory:
                record, _, principal = found
            else:
                record, principal = _verify(key, pepper, keys.find, directory, label)
                if len(known) >= _KEPT:
                    del known[next(iter(known))]
                known[mark] = (record, directory, principal)
            if record.revoked is not None or (record.expires is not None and record.expires <= clock.wall()):
                raise _wrong("expired or revoked", label)
            exchange.principal = principal
            return proceed(exchange)

        return step


def presented(headers: Headers) -> bytes | None:
    """The virtual key a request carries, if any; other bearer tokens are not ours to judge."""
    for name, value in headers:
        if name == b"x-api-key":
            return value
        if name == b"authorization" and value[:7].lower() == b"bearer " and value[7:10] == b"tg_":
            return value[7:].strip()
    return None


def _wrong(reason: str, label: str) -> Refusal:
    return Refusal("invalid_credentials", "The key is not valid.", reason=reason, policy=label)


def _verify(
    key: bytes, pepper: bytes, find: Callable[[str], KeyRecord | None], directory: Directory, label: str
) -> tuple[KeyRecord, Principal]:
    text = key.decode("latin-1")
    key_id = key_id_of(text)
    if key_id is None:
        raise _wrong("malformed", label)
    record = find(key_id)
    # unknown and wrong keys take one path, in constant time
    digest = digest_key(pepper, text)
    if not same_digest(digest, record.digest if record is not None else bytes(32)) or record is None:
        raise _wrong("unknown", label)
    team = directory.teams.get(f"{record.org}/{record.team}")
    if team is None:  # it would pass for another org's team of that name
        raise _wrong("the key's team is not configured", label)
    return record, directory.principal(
        team,
        record.consumer,
        "key",
        key_id=record.key_id,
        plan=record.plan,
        roles=record.roles,
        scopes=record.scopes,
        budgets=key_allowances(record.key_id, record.budget, team.fiscal_start),
    )
