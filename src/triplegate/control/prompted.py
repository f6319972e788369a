"""The prompts of a configuration as the admin API tells them."""

from collections.abc import Iterable

import msgspec

from triplegate.config.documents import Documents
from triplegate.wire.prompt_template import names_of, read_template


class PromptView(msgspec.Struct, frozen=True):
    """A version of a prompt that calls may ask for."""

    name: str
    version: str
    default: bool
    """Whether it is the one of calls that name none."""
    roles: tuple[str, ...]
    """Who says its messages, in order."""
    variables: tuple[str, ...]
    """What calls give."""
    optional: tuple[str, ...]
    """Of these the ones that have a default."""
    teams: tuple[str, ...] | None
    """Teams that may use it; null: all, where consumers are not named either."""
    consumers: tuple[str, ...] | None
    origin: str
    """file:line:column."""


def prompt_views(documents: Documents) -> Iterable[PromptView]:
    """Each version of each prompt."""
    for name, prompt in documents.prompts.items():
        origin = documents.origin("prompts", name)
        for version, written in prompt.versions.items():
            found = [one for turn in written.template for one in names_of(read_template(turn.content))]
            variables = tuple(dict.fromkeys(found))
            given = {one for one, rules in written.variables.items() if rules.default is not None}
            yield PromptView(
                name,
                version,
                version == prompt.default,
                tuple(turn.role for turn in written.template),
                variables,
                tuple(one for one in variables if one in given),
                prompt.teams,
                prompt.consumers,
                origin,
            )
