"""A provider's failure in our own words: clients hear of what they can mend, operators of the rest."""

from typing import get_args

import pytest

from triplegate.core.errors import CODES
from triplegate.gates.llm.failures import refusal_of
from triplegate.wire.neutral_events import ErrorClass, Failed


@pytest.mark.parametrize("kind", get_args(ErrorClass))
def test_every_class_has_a_code_and_only_clients_mistakes_are_told_in_the_providers_words(kind):
    refusal = refusal_of(Failed(kind, "our account acme-7 …", 499, "odd", wait=3.0, param="tools"), "openai/gpt")
    assert refusal.code in CODES
    assert (refusal.status < 500 and refusal.status != 429) == (kind in {"context_window", "content_policy", "client"})
    assert ("acme-7" in refusal.detail) == (kind in {"context_window", "content_policy", "client"})
    assert "openai/gpt: 499 odd our account" in refusal.reason
    assert (refusal.retry_after, refusal.payload["param"]) == (3.0, "tools")
