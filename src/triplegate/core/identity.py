"""Who calls: the principal, and the keys that name it."""

import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from triplegate.core.allowance import Allowance

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEY = re.compile(r"tg_([a-z]{2,8})_([0-9A-Za-z]{10})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})")


class Principal(msgspec.Struct, frozen=True, gc=False):
    """Who pays and who may: org ⊃ team ⊃ consumer ⊃ key. `end_user` is a label from the call, never a principal."""

    org: str
    team: str
    consumer: str
    key_id: str = ""
    plan: str = ""
    method: str = "none"
    """How it was proved: key, jwt, certificate, none."""
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    claims: Mapping[str, Any] = {}
    end_user: str | None = None
    team_ref: str = ""
    """org/team: the team's name that is unique over all orgs."""
    budgets: tuple[Allowance, ...] = ()
    """The budgets of its org, team, consumer and key: a call takes of all of them."""


class Team(msgspec.Struct, frozen=True, gc=False):
    """A team as the configuration in force has it."""

    org: str
    name: str
    plan: str = ""
    consumers: Mapping[str, tuple[str, frozenset[str], frozenset[str]]] = {}
    """consumer → (plan, roles, scopes)."""
    budgets: tuple[Allowance, ...] = ()
    """Its own and its org's."""
    fiscal_start: int = 1
    """Month with which its org's year begins."""
    consumer_budgets: Mapping[str, tuple[Allowance, ...]] = {}

    @property
    def ref(self) -> str:
        """org/team."""
        return f"{self.org}/{self.name}"


class Directory(msgspec.Struct, frozen=True, eq=False):
    """Who exists, as the configuration in force says."""

    teams: Mapping[str, Team] = {}
    """By org/team, and by the bare name where only one org has it."""

    def principal(  # noqa: PLR0913 - what a proof may say, each by its name
        self,
        team: Team,
        consumer: str,
        method: str,
        *,
        key_id: str = "",
        plan: str = "",
        roles: frozenset[str] = frozenset(),
        scopes: frozenset[str] = frozenset(),
        claims: Mapping[str, Any] | None = None,
        budgets: tuple[Allowance, ...] = (),
    ) -> Principal:
        """The principal of `consumer`: what the proof says, then what the consumer has, then the team."""
        own_plan, own_roles, own_scopes = team.consumers.get(consumer, ("", frozenset(), frozenset()))
        return Principal(
            team.org,
            team.name,
            consumer,
            key_id,
            plan or own_plan or team.plan,
            method,
            roles | own_roles,
            scopes | own_scopes,
            claims or {},
            None,
            team.ref,
            team.budgets + team.consumer_budgets.get(consumer, ()) + budgets,
        )


ANONYMOUS = "anonymous"
"""Consumer of a route with `identity: none`; its team is the route's owner."""


class KeyRecord(msgspec.Struct, frozen=True, gc=False):
    """A key as stored: never the key itself, only HMAC-SHA256(pepper, key)."""

    key_id: str
    digest: bytes
    org: str
    team: str
    consumer: str
    plan: str = ""
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    name: str = ""
    created: float = 0.0
    expires: float | None = None
    """Unix seconds, None = never."""
    revoked: float | None = None
    budget: str = ""
    """Its budgets as they were written, in JSON; empty: it has none of its own."""


def _base62(value: int, width: int) -> str:
    digits = []
    for _ in range(width):
        value, rest = divmod(value, 62)
        digits.append(_BASE62[rest])
    return "".join(reversed(digits))


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), 6)


def new_key(env: str = "live") -> tuple[str, str]:
    """A fresh key and its id: `tg_<env>_<id 10>_<secret 43><crc32 6>` (reliability S-1); the secret has 256 bits."""
    key_id = "".join(secrets.choice(_BASE62) for _ in range(10))
    secret = _base62(secrets.randbits(256), 43)
    stem = f"tg_{env}_{key_id}_{secret}"
    return stem + _checksum(stem), key_id


def key_id_of(key: str) -> str | None:
    """The id inside a well-formed key; None for anything else, without any look-up (the checksum is offline)."""
    match = _KEY.fullmatch(key)
    if match is None or _checksum(key[:-6]) != match[4]:
        return None
    return match[2]


def digest_key(pepper: bytes, key: str) -> bytes:
    """HMAC-SHA256(pepper, key); 32 bytes."""
    return hmac.digest(pepper, key.encode(), hashlib.sha256)


def same_digest(left: bytes, right: bytes) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(left, right)
