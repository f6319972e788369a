"""State that a client carries for us: nobody else can read, change, borrow or keep it."""

import base64

import pytest

from triplegate.wire.mcp_states import PREFIX, States

STATES = States(b"pepper")
TEXT = STATES.seal(b'{"secret":1}', b"ann/tools/call", expires=100)


def test_it_comes_back_until_it_expires():
    assert STATES.open(TEXT, b"ann/tools/call", now=100) == b'{"secret":1}'
    assert STATES.open(TEXT, b"ann/tools/call", now=101) is None
    assert TEXT.startswith(PREFIX)
    assert b"secret" not in base64.urlsafe_b64decode(TEXT.removeprefix(PREFIX))


def test_it_opens_for_its_own_call_and_secret_only():
    assert STATES.open(TEXT, b"bob/tools/call", now=1) is None
    assert States(b"other").open(TEXT, b"ann/tools/call", now=1) is None


def test_every_flipped_bit_is_noticed():
    raw = base64.urlsafe_b64decode(TEXT.removeprefix(PREFIX))
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        text = PREFIX + base64.urlsafe_b64encode(changed).decode()
        assert STATES.open(text, b"ann/tools/call", now=1) is None


@pytest.mark.parametrize("text", ["", PREFIX, PREFIX + "!!", PREFIX + "é", PREFIX + "AAAA", "x" * 1000])
def test_what_was_never_sealed_opens_nothing(text):
    assert STATES.open(text, b"ann/tools/call", now=1) is None
