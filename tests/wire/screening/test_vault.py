"""Placeholders: one for each piece, and back again only for those that may come back."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.screening.spans import found, replaced
from triplegate.wire.screening.vault import Placeholders, Vault


def test_equal_pieces_have_one_placeholder():
    vault = Vault()
    assert [vault.mask("email", piece) for piece in ("a@b.c", "d@e.f", "a@b.c")] == [
        "<EMAIL_1>",
        "<EMAIL_2>",
        "<EMAIL_1>",
    ]
    assert not vault


def test_only_what_was_kept_comes_back():
    vault = Vault()
    vault.keep("us_ssn", "536-90-4399")
    vault.mask("email", "a@b.c")
    assert vault
    text = "<US_SSN_1> <EMAIL_1> <OTHER_1> <b>"
    assert replaced(text, found([Placeholders()], text), vault.restore) == "536-90-4399 <EMAIL_1> <OTHER_1> <b>"


def test_a_call_has_only_so_many():
    vault = Vault()
    for number in range(10_000):
        vault.mask("email", str(number))
    with pytest.raises(Refusal):
        vault.mask("email", "one more")
