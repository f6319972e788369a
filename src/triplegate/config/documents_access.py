"""Documents of access at the mcp gate: what of a server exists for clients, and who may do what with it."""

from typing import Annotated

from pydantic import Field, model_validator

from triplegate.config.conditions import Question
from triplegate.config.documents_base import Document
from triplegate.config.types import Name, Scope, TeamRef, Worded

ToolPattern = Annotated[str, Worded(r"[A-Za-z0-9_.*-]+", "letters, digits, _ . - and *", longest=160)]
"""A tool's name; * stands for any characters."""

ResourcePattern = Annotated[str, Worded(r"[\x21-\x7e]+", "visible ASCII without spaces, * for any", longest=512)]
"""A resource's URI; * stands for any characters."""

PromptPattern = Annotated[str, Worded(r"[^\x00-\x1f\x7f]+", "a prompt's name, * for any", longest=300)]
"""A prompt's name; * stands for any characters."""

ConsumerRef = Annotated[
    str,
    Worded(r"[^\s/]+(?:/[^\s/]+){0,2}", "a consumer's name, or team/consumer, or org/team/consumer", longest=512),
]
"""A consumer: its name in whatever team, or with its team before it."""


class ToolFilter(Document):
    """Which of a server's tools exist for our clients; names without prefix."""

    allow: Annotated[tuple[ToolPattern, ...], Field(max_length=1024)] = ("*",)
    """Tools that are passed on."""
    deny: Annotated[tuple[ToolPattern, ...], Field(max_length=1024)] = ()
    """Tools that are not, whatever `allow` says."""


class PromptFilter(Document):
    """Which of a server's prompts exist for our clients; names without prefix."""

    allow: Annotated[tuple[PromptPattern, ...], Field(max_length=1024)] = ("*",)
    """Prompts that are passed on."""
    deny: Annotated[tuple[PromptPattern, ...], Field(max_length=1024)] = ()
    """Prompts that are not, whatever `allow` says."""


class ResourceFilter(Document):
    """Which of a server's resources and templates exist for our clients; URIs as the server has them."""

    allow: Annotated[tuple[ResourcePattern, ...], Field(max_length=1024)] = ("*",)
    """URIs that are passed on."""
    deny: Annotated[tuple[ResourcePattern, ...], Field(max_length=1024)] = ()
    """URIs that are not, whatever `allow` says."""


class AccessRule(Document):
    """What somebody must be, have or say to use something; of several rules for one thing all must hold.

    A rule that names no tools, prompts and resources is for everything where it stands. At a server, names and URIs are
    the server's own; elsewhere they are full ones: alias, two underscores, name or URI.
    """

    tools: Annotated[tuple[ToolPattern, ...], Field(max_length=1024)] = ()
    """Tools it is for."""
    prompts: Annotated[tuple[PromptPattern, ...], Field(max_length=1024)] = ()
    """Prompts it is for."""
    resources: Annotated[tuple[ResourcePattern, ...], Field(max_length=1024)] = ()
    """Resources and templates it is for."""
    teams: Annotated[tuple[TeamRef, ...], Field(max_length=1024)] = ()
    """Teams that may; being in one of the three lists is enough."""
    consumers: Annotated[tuple[ConsumerRef, ...], Field(max_length=1024)] = ()
    """Consumers that may."""
    roles: Annotated[tuple[Name, ...], Field(max_length=256)] = ()
    """Roles that may."""
    scopes: Annotated[tuple[Scope, ...], Field(max_length=64)] = ()
    """Scopes that are all needed; a call without them is told so (403), and what it wanted stays in the lists."""
    when: Question | None = None
    """What else must be true, in CEL: `args.path.startsWith("/data/")`."""
    deny: bool = False
    """The reverse: whoever all of this fits may not, whatever other rules say."""

    @model_validator(mode="after")
    def _asks_something(self) -> "AccessRule":
        if not (self.deny or self.teams or self.consumers or self.roles or self.scopes or self.when):
            raise ValueError("a rule needs teams, consumers, roles, scopes, when or deny: as it is everyone would pass")
        return self


Access = Annotated[tuple[AccessRule, ...], Field(max_length=1024)]
"""Rules as they stand in one place."""
