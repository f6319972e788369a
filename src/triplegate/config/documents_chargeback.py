"""Documents of chargeback: cost that teams share, what finance calls them, and when its year begins."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from triplegate.config.documents_base import Document
from triplegate.config.types import Dollars, Name, TeamRef, Worded

Label = Annotated[str, Worded(r"[^\x00-\x1f\x7f]+", "one line of text", longest=256)]
"""A text of finance's own."""
Part = Annotated[Decimal, Field(gt=0, le=1_000_000, allow_inf_nan=False)]


class SharedCost(Document):
    """Cost that no call bears: the platform's own, a committed fee, support."""

    name: Label
    """What statements call it."""
    money: Dollars
    """US dollars."""
    per: Literal["day", "week", "month", "quarter", "year"] = "month"
    """How often it comes; a report of a part of that time has that part of it."""
    rule: Literal["even", "use", "fixed"] = "even"
    """Who bears it: every team the same, each by what its calls cost, or each its part of `shares`."""
    shares: dict[TeamRef, Part] = Field(default_factory=dict, max_length=1024)
    """With `fixed`: team → its part; parts of whatever they sum to."""

    @model_validator(mode="after")
    def _shares_when_fixed(self) -> "SharedCost":
        if (self.rule == "fixed") != bool(self.shares):
            raise ValueError("shares and `rule: fixed` come together")
        return self


class ChargebackDocument(Document):
    """What reports for finance add to the ledger."""

    shared: Annotated[tuple[SharedCost, ...], Field(max_length=256)] = ()
    """Cost that teams share, each by a rule of its own."""
    tags: dict[TeamRef, Annotated[dict[Name, Label], Field(max_length=32)]] = Field(
        default_factory=dict, max_length=4096
    )
    """Team → what finance calls it (`cost_center` …): columns of reports, tags of FOCUS exports."""
    operator: Label = "triplegate"
    """Who issues the charges: provider and issuer in FOCUS exports."""
    fiscal_start: Annotated[int, Field(ge=1, le=12)] = 1
    """Month with which the year begins: years and quarters of reports are counted from it."""

    @model_validator(mode="after")
    def _names_once(self) -> "ChargebackDocument":
        names = [one.name for one in self.shared]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two shared costs are called '{name}'")
        return self
