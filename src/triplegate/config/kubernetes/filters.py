"""Filters, timeouts and retries of rules as policies of our routes."""

from collections.abc import Collection, Sequence
from typing import Any

from triplegate.config.kubernetes.objects_routes import Filter
from triplegate.config.kubernetes.terms import Trouble


def filter_policies(filters: Sequence[Filter], known: Collection[str]) -> list[dict[str, Any]] | Trouble:
    """The policies of a list of filters, or why it cannot be honoured."""
    for one in filters:
        return Trouble("UnsupportedValue", f"filter {one.type} is not supported")
    return []
