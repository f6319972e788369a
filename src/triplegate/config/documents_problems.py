"""How refusals are told to an API's clients: problem types of its own, further members, templates."""

from typing import Annotated

from pydantic import AfterValidator, Field

from triplegate.config.documents_base import Document
from triplegate.config.types import Address, Worded
from triplegate.wire.problem_style import STANDARD, template

Media = Annotated[
    str,
    Worded(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", "a media type such as text/html", longest=127, lower=True),
]
"""A media type without parameters."""


def _slash(value: str) -> str:
    return value + "/"


def _member(name: str) -> str:
    if name in STANDARD:
        raise ValueError(f"'{name}' is a member that the gateway writes itself")
    return name


def _checked(text: str) -> str:
    template(text)
    return text


class ProblemsDocument(Document):
    """The style of problem documents (RFC 9457)."""

    base: Annotated[Address, AfterValidator(_slash)] | None = None
    """Address before the name of each problem type; ours when absent."""
    members: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_member)], str], Field(max_length=16)
    ] = Field(default_factory=dict)
    """Further members of each document: a contact, a page with help."""
    templates: Annotated[
        dict[Media, Annotated[str, Field(max_length=65536), AfterValidator(_checked)]], Field(max_length=8)
    ] = Field(default_factory=dict)
    """Answers of your own by media type, chosen by Accept, the first where it does not matter. {type} {title} {status}
    {detail} {code} {request_id} are filled in and escaped."""
