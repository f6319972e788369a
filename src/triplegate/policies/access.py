"""Let only named teams, consumers, roles or scopes through."""

from typing import ClassVar, Literal

from pydantic import model_validator

from triplegate.config.types import TeamRef
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage


class Access(Policy):
    """Allow a caller that is in one of the lists; with `scopes`, all of them must be held as well."""

    use: Literal["access"] = "access"
    stage: ClassVar = Stage.PERMIT
    security: ClassVar = True
    teams: frozenset[TeamRef] = frozenset()
    """Teams that may call."""
    consumers: frozenset[str] = frozenset()
    """Consumers that may call."""
    roles: frozenset[str] = frozenset()
    """Roles that may call: one of them is enough."""
    scopes: frozenset[str] = frozenset()
    """Scopes that are all needed."""

    @model_validator(mode="after")
    def _asks_something(self) -> "Access":
        if not (self.teams or self.consumers or self.roles or self.scopes):
            raise ValueError("access needs teams, consumers, roles or scopes: with none of them everyone would pass")
        return self

    @property
    def needed_scopes(self) -> frozenset[str]:
        """All of its scopes."""
        return self.scopes

    def decide(self, exchange: Exchange) -> Refusal | None:
        """Refusal forbidden or insufficient_scope; the missing scopes are named in the challenge (RFC 6750 §3.1)."""
        principal = exchange.principal
        if principal is None:
            return Refusal("unauthenticated", "Credentials are required.")
        listed = self.teams or self.consumers or self.roles
        if listed and not (
            principal.team in self.teams
            or principal.team_ref in self.teams
            or principal.consumer in self.consumers
            or principal.roles & self.roles
        ):
            return Refusal("forbidden", "This caller may not use this route.")
        missing = self.scopes - principal.scopes
        if missing:
            needed = " ".join(sorted(self.scopes))
            return Refusal(
                "insufficient_scope",
                f"Needed scopes: {needed}.",
                headers=[(b"www-authenticate", f'Bearer error="insufficient_scope", scope="{needed}"'.encode())],
            )
        return None
