"""Documents of alerts: where it is told that a budget is nearly spent."""

from typing import Annotated

from pydantic import AfterValidator, model_validator

from triplegate.config.documents_base import Document
from triplegate.config.types import Address, SecretRef


def _safe(value: str) -> str:
    if not value.startswith("https://"):
        raise ValueError("a webhook is called by https:// only")
    return value


class AlertsDocument(Document):
    """Who is told."""

    webhook: Annotated[Address, AfterValidator(_safe)] | None = None
    """Address that each crossing of a budget's threshold is posted to, as JSON; none = it is shown only."""
    secret: SecretRef | None = None
    """Reference of what posts are signed with (HMAC-SHA256, as in Standard Webhooks); none = they are not signed."""

    @model_validator(mode="after")
    def _signed_what(self) -> "AlertsDocument":
        if self.secret is not None and self.webhook is None:
            raise ValueError("a secret without a webhook signs nothing")
        return self
