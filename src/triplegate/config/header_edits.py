"""What policies that edit fields have in common: the names they may write, and the edits these become."""

from functools import cached_property
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from triplegate.config.types import HeaderName, HeaderValue
from triplegate.core.outgoing import Edit
from triplegate.core.policy import Policy
from triplegate.wire.headers import HOP_BY_HOP, OWN_PREFIX

_FRAMING = HOP_BY_HOP | {b"content-length", b"x-request-id", b"via"}
REQUEST_OWNED = _FRAMING | {
    b"host",
    b"expect",
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"traceparent",
}
"""Request fields that only the gateway writes."""
REPLY_OWNED = _FRAMING | {b"date"}
"""Reply fields that only the gateway writes."""

Lines = Annotated[dict[HeaderName, HeaderValue], Field(max_length=64)]


class HeaderEdits(Policy):
    """Changes of fields: first those to remove, then those to set, then those to add."""

    owned: ClassVar[frozenset[bytes]] = frozenset()
    """Names that cannot be edited."""

    set: Lines = Field(default_factory=dict)
    """Fields that are to have this one value, whatever they had."""
    add: Lines = Field(default_factory=dict)
    """Fields that get one more line."""
    remove: Annotated[tuple[HeaderName, ...], Field(max_length=64)] = ()
    """Fields that are dropped."""

    @model_validator(mode="after")
    def _names(self) -> "HeaderEdits":
        names = (*self.set, *self.add, *self.remove)
        if not names:
            raise ValueError(f"{self.use}: nothing to do: write set, add or remove")
        for name in names:
            if name.encode() in self.owned or name.encode().startswith(OWN_PREFIX):
                raise ValueError(f"{self.use}: {name} is the gateway's own to write")
        return self

    @cached_property
    def edits(self) -> tuple[Edit, ...]:
        """The changes in order."""
        return (
            *(Edit("remove", name.encode()) for name in self.remove),
            *(Edit("set", name.encode(), value.encode("latin-1")) for name, value in self.set.items()),
            *(Edit("add", name.encode(), value.encode("latin-1")) for name, value in self.add.items()),
        )
