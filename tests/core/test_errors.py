"""One table says how a refusal looks in every dialect."""

import pytest

from triplegate.core.errors import CODES, Refusal


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_status_and_a_name_in_every_dialect(code):
    row = CODES[code]
    assert 200 <= row.status <= 599
    assert row.title
    assert row.openai
    assert row.anthropic
    assert row.jsonrpc < 0
    assert 1 <= row.grpc <= 16


def test_what_the_client_reads_and_what_the_log_reads_are_two_things():
    refusal = Refusal("forbidden", "No.", reason="team web is not listed")
    assert (refusal.status, refusal.detail, refusal.reason) == (403, "No.", "team web is not listed")
    assert Refusal("forbidden", "No.").reason == "No."


def test_an_unknown_code_cannot_be_rendered():
    with pytest.raises(KeyError):
        _ = Refusal("no_such_code").status
