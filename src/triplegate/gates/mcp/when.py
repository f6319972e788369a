"""Questions of rules in CEL, compiled: what each says of a call and its caller."""

from collections.abc import Mapping
from typing import Any

from triplegate.config.conditions import compiled_question
from triplegate.core.identity import Principal


class When:
    """One question."""

    __slots__ = ("_asked", "_program", "asks_arguments")

    def __init__(self, text: str) -> None:
        self._program = compiled_question(text)
        self._asked = tuple(self._program.variables())
        self.asks_arguments = "args" in self._asked
        """Whether it depends on the call, too."""

    def says(self, asked: Mapping[str, Any]) -> object:
        """Its answer, mostly True or False; None where it has none."""
        try:
            return self._program.execute({name: asked[name] for name in self._asked})
        except Exception:  # noqa: BLE001 - an argument that is not there, a number where text is meant
            return None


def about(principal: Principal) -> dict[str, Any]:
    """What a question may ask of a caller."""
    return {
        "claims": dict(principal.claims),
        "org": principal.org,
        "team": principal.team,
        "consumer": principal.consumer,
        "roles": sorted(principal.roles),
        "scopes": sorted(principal.scopes),
        "key_id": principal.key_id,
    }
