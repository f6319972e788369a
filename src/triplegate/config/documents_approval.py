"""Which tools are called only after a person's yes, as written."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from triplegate.config.conditions import Question
from triplegate.config.documents_base import Document, as_list
from triplegate.config.types import Worded
from triplegate.core.duration import Duration

_Pattern = Annotated[str, Worded(r"[A-Za-z0-9_.*-]+", "letters, digits, _ . - and *", longest=160)]


class ApprovalRule(Document):
    """Calls of these tools wait for somebody's yes."""

    tools: Annotated[tuple[_Pattern, ...], Field(min_length=1, max_length=1024)]
    """Tools by their names at the server; * stands for any characters. The first rule that fits counts."""
    when: Question | None = None
    """Only calls of which this is true, in CEL as in rules of access: `args.amount > 100`. A call of which it cannot be
    said, because an argument is missing or of another type, waits too."""
    by: Literal["caller", "admin"] = "caller"
    """caller: whoever sits at the client is asked there (elicitation). admin: on the page, or over the admin API."""
    within: Annotated[Duration, Field(le=3600)] = 300.0
    """How long it waits; then it is not called."""


ApprovalRules = Annotated[
    tuple[ApprovalRule, ...],
    BeforeValidator(as_list, json_schema_input_type=tuple[ApprovalRule, ...] | ApprovalRule),
    Field(max_length=64),
]
"""Rules as written: one, or a list."""
