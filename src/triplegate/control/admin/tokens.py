"""Tokens of the control plane: made, proved, revoked; the first one comes by a bootstrap token that is good once."""

import hashlib
import os
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

from triplegate.control.admin.access import ROLES, Caller
from triplegate.control.view import AdminToken, TokenStore
from triplegate.core.clock import Clock
from triplegate.core.identity import digest_key, key_id_of, new_key, same_digest

BOOTSTRAP_SECONDS = 15 * 60.0
LINK_SECONDS = 15 * 60.0
_LINKS = 10
_KEPT = 1_000
_NOBODY = AdminToken("", bytes(32))


class Tokens:
    """Knows tokens by their HMAC under the pepper; unknown and wrong ones take the same path and time."""

    def __init__(self, store: TokenStore, pepper: bytes, clock: Clock) -> None:
        self.store, self._pepper, self._clock = store, pepper, clock
        self._known: OrderedDict[str, AdminToken] = OrderedDict()
        self._links: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    async def issue(
        self, roles: Iterable[str], *, org: str = "", team: str = "", name: str = "", expires: float | None = None
    ) -> tuple[str, AdminToken]:
        """A new token, shown once, and what is kept of it. Raises ValueError for an unknown role."""
        return await self._keep("admin", frozenset(roles), org=org, team=team, name=name, expires=expires)

    async def _keep(
        self,
        kind: str,
        roles: frozenset[str],
        *,
        org: str = "",
        team: str = "",
        name: str = "",
        expires: float | None = None,
    ) -> tuple[str, AdminToken]:
        if not roles or not roles <= frozenset(ROLES):
            raise ValueError(f"roles are some of {', '.join(ROLES)}")
        token, token_id = new_key(kind)
        record = AdminToken(
            token_id,
            digest_key(self._pepper, token),
            name,
            roles,
            org,
            team,
            kind == "boot",
            self._clock.wall(),
            expires,
        )
        await self.store.create(record)
        return token, record

    async def prove(self, token: str) -> AdminToken | None:
        """The living token that this text is; None for anything else. One look-up, one digest, whatever it is."""
        token_id = key_id_of(token)
        found = await self._find(token_id) if token_id is not None else None
        right = same_digest((found or _NOBODY).digest, digest_key(self._pepper, token))
        return found if found is not None and right and self._alive(found) else None

    async def living(self, token_id: str) -> AdminToken | None:
        """The token of that id while it lives: a sign-in ends with the token that opened it."""
        found = await self._find(token_id)
        return found if found is not None and self._alive(found) else None

    async def _find(self, token_id: str) -> AdminToken | None:
        """As the store has it, or last had it while it cannot be asked: the page must be able to show that."""
        try:
            found = await self.store.find(token_id)
        except Exception as error:
            if getattr(error, "remedy", None) is None or token_id not in self._known:
                raise
            return self._known[token_id]
        if found is not None:
            self._known[token_id] = found
            self._known.move_to_end(token_id)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return found

    def _alive(self, record: AdminToken) -> bool:
        return record.revoked is None and (record.expires is None or self._clock.wall() < record.expires)

    async def offer_bootstrap(self, path: Path) -> bool:
        """Write a bootstrap token (0600, good for 15 minutes) while there is no living owner; whether it did."""
        if any("owner" in one.roles and not one.once and self._alive(one) for one in await self.store.list()):
            _remove(path)
            return False
        expires = self._clock.wall() + BOOTSTRAP_SECONDS
        token, _ = await self._keep("boot", frozenset({"owner"}), name="bootstrap", expires=expires)
        _write_private(path, token)
        return True

    def offer_link(self, token_id: str) -> str:
        """A text that signs in once as that token, within 15 minutes: for a link, which may be seen where it was used.

        Kept by this process alone, as a digest; the oldest give way.
        """
        text = secrets.token_urlsafe(32)
        self._links[_digest(text)] = (token_id, self._clock.now() + LINK_SECONDS)
        if len(self._links) > _LINKS:
            self._links.popitem(last=False)
        return text

    async def follow_link(self, text: str) -> AdminToken | None:
        """Spend a link's text for the token it stands for; None when it is spent, too old, unknown, or that is dead."""
        token_id, until = self._links.pop(_digest(text), ("", 0.0))
        return await self.living(token_id) if token_id and self._clock.now() < until else None

    async def redeem(self, record: AdminToken, name: str = "first owner") -> tuple[str, AdminToken] | None:
        """Spend a proved bootstrap token for an owner token; None when another spent it first."""
        if not record.once or not await self.store.revoke(record.token_id, self._clock.wall()):
            return None
        return await self.issue({"owner"}, name=name)


def caller_of(record: AdminToken) -> Caller:
    """Who a token speaks for."""
    return Caller(record.token_id, record.name, record.roles, record.org, record.team)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _write_private(path: Path, token: str) -> None:
    """Appears at once, whole and readable by its owner only."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
    fresh.replace(path)
