"""Documents of prompts: templates with variables, in versions that calls name."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from triplegate.config.documents_access import ConsumerRef
from triplegate.config.documents_base import Document
from triplegate.config.types import Name, TeamRef, Worded
from triplegate.wire.prompt_template import NAME, Escape, names_of, read_template

VariableName = Annotated[str, Worded(NAME, "letters, digits and underscores", longest=64)]


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


VersionRef = Annotated[Name, BeforeValidator(_text, json_schema_input_type=Name | int)]
"""A version's name; a number is one, too."""


class PromptTurnDocument(Document):
    """A message of a template."""

    role: Literal["system", "user", "assistant"]
    """Who says it."""
    content: Annotated[str, Field(min_length=1, max_length=262_144)]
    """The words; `{{name}}` stands for a variable."""


class PromptVariableDocument(Document):
    """What may stand in the place of a variable."""

    longest: Annotated[int, Field(ge=1, le=1_048_576)] = 16_384
    """Characters of a value."""
    escape: Escape = "none"
    """How a value is written: as it is, as text between tags (xml), or as text between the quotes of JSON (json)."""
    default: str | None = None
    """The value where a call gives none; null = it must give one."""


class PromptVersionDocument(Document):
    """A template as it once was and stays."""

    template: Annotated[tuple[PromptTurnDocument, ...], Field(min_length=1, max_length=64)]
    """Its messages, those of the system first; they stand before the call's own."""
    variables: dict[VariableName, PromptVariableDocument] = Field(default_factory=dict, max_length=64)
    """What may stand for its variables, where that is not any text."""

    @model_validator(mode="after")
    def _check(self) -> "PromptVersionDocument":
        known = {name for turn in self.template for name in names_of(read_template(turn.content))}
        if len(known) > 64:
            raise ValueError("a template has at most 64 variables")
        strange = sorted(set(self.variables) - known)
        if strange:
            raise ValueError(f"the template has no {{{{{strange[0]}}}}}")
        roles = [turn.role == "system" for turn in self.template]
        if roles != sorted(roles, reverse=True):
            raise ValueError("messages of the system stand before all others")
        return self


class PromptDocument(Document):
    """A prompt: what calls ask for by its name."""

    versions: Annotated[dict[Name, PromptVersionDocument], Field(min_length=1, max_length=256)]
    """Its versions by name; a call may ask for each of them for as long as it is written here."""
    default: VersionRef | None = None
    """The version of calls that name none; null = they must name one."""
    teams: tuple[TeamRef, ...] | None = None
    """Teams that may use it; with neither teams nor consumers all may."""
    consumers: tuple[ConsumerRef, ...] | None = None
    """Consumers that may use it, whatever their team."""

    @model_validator(mode="after")
    def _default_is_there(self) -> "PromptDocument":
        if self.default is not None and self.default not in self.versions:
            raise ValueError(f"there is no version {self.default}")
        return self
