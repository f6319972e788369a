"""Opaque state travels through a foreign dialect as one text and comes back the same."""

import pytest

from triplegate.wire.neutral import Opaque, seal, unseal


@pytest.mark.parametrize("value", ["EqQBCg==", "a.b.c", "", "tg1.x"])
def test_what_is_sealed_comes_back_the_same(value):
    state = Opaque("anthropic", "signature", value)
    assert unseal(seal(state), "openai", "encrypted") == state


@pytest.mark.parametrize("text", ["gAAAAABo", "tg1.", "tg1.anthropic", "tg1.anthropic.nothing.x"])
def test_what_was_never_sealed_belongs_to_the_dialect_it_came_in(text):
    assert unseal(text, "openai", "encrypted") == Opaque("openai", "encrypted", text)
