"""However an answer is cut into pieces, nothing of a span ever goes on, and everything else does."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.wire.neutral_events import BlockEnd, BlockStart, Event
from triplegate.wire.screening.pii import KINDS, finders
from triplegate.wire.screening.secrets import Secrets
from triplegate.wire.screening.window import Window
from triplegate.wire.screening.words import Patterns, Words

FINDERS = [*finders(["email", "phone", "card", "iban", "ip"]), Secrets(), Words(["project falcon"])]
CANARIES = [
    "ada@mail.example.org",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "sk-proj-aZ3kQ9xW7bT5mR1nY8pL2vC4dF6gH0jS",
    "Project Falcon",
    "-----BEGIN PRIVATE KEY-----\nMIIE+abc-def\nQ1w2==\n-----END PRIVATE KEY-----",
]
AROUND = "The quick brown fox jumps over the lazy dog, again and again and again and again. "


def mask(kind: str, piece: str) -> str:
    return f"<{kind}>"


def told(pieces: list[str], finders=FINDERS) -> str:
    window = Window(finders, {})
    return "".join([one for piece in pieces for one in window.feed(piece, mask)] + window.finish(mask))


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary[:8])
def test_split_at_every_place_it_never_shows(canary: str):
    text = f"{AROUND}It is {canary}. {AROUND}"
    whole = told([text])
    assert canary not in whole
    for at in range(len(text)):
        assert told([text[:at], text[at:]]) == whole


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary[:8])
def test_letter_by_letter_it_never_shows(canary: str):
    text = f"{AROUND}It is {canary}. {AROUND}"
    assert told(list(text)) == told([text])


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 900), max_size=30))
def test_cut_anyhow_the_same_goes_on(cuts: list[int]):
    text = AROUND + AROUND.join(f"Then {canary}!" for canary in CANARIES) + AROUND
    places = [0, *sorted(cuts), len(text)]
    assert told([text[a:b] for a, b in pairwise(places)]) == told([text])


def test_what_cannot_become_a_span_does_not_wait():
    window = Window(finders(list(KINDS)), {})
    going = "".join([one for word in (AROUND * 4).split(" ") for one in window.feed(word + " ", mask)])
    assert len(going) > 150


def test_what_was_found_is_counted():
    counts: dict[str, int] = {}
    window = Window([Words(["falcon"]), Patterns([r"T-\d+"], 20)], counts)
    window.feed("falcon T-12 falcon", mask)
    window.finish(mask)
    assert counts == {"word": 2, "pattern": 1}


def test_a_span_without_an_end_ends_the_answer():
    window = Window([Secrets()], {})
    window.feed("-----BEGIN PRIVATE KEY-----\n", mask)
    for _ in range(16):
        assert not window.feed("QUJD" * 1000, mask)
    with pytest.raises(Refusal) as refused:
        window.feed("QUJD" * 1000, mask)
    assert refused.value.code == "content_blocked"


# blocks that follow each other --------------------------------------------------------------------------------------
def told_in_blocks(pieces: list[str]) -> list[str]:
    """What each block says in the end."""
    window = Window(FINDERS, {})
    told: list[str | Event] = []
    for index, piece in enumerate(pieces):
        told += window.pass_by(BlockStart(index, "text"))
        told += window.feed(piece, mask)
        told += window.pass_by(BlockEnd(index))
        window.border()
    told += window.finish(mask)
    blocks: list[str] = []
    open_ones = 0
    for one in told:
        if isinstance(one, BlockStart):
            blocks.append("")
            open_ones += 1
        elif isinstance(one, BlockEnd):
            open_ones -= 1
        else:
            assert open_ones == 1
            blocks[-1] += one
    assert open_ones == 0
    return blocks


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary[:8])
def test_split_over_blocks_at_every_place_it_never_shows(canary: str):
    text = f"{AROUND}It is {canary}. {AROUND}"
    whole = told([text])
    for at in range(len(text)):
        first, second = told_in_blocks([text[:at], text[at:]])
        assert first + second == whole
        assert "".join(told_in_blocks([text[:at], text[at : at + 3], "", text[at + 3 :]])) == whole


def test_each_block_is_read_by_itself_as_well():
    blocks = told_in_blocks(["These letters stand before: x", "AKIAIOSFODNN7EXAMPLE", "y and behind."])
    assert blocks == ["These letters stand before: x", "<secret>", "y and behind."]


def test_what_went_on_is_remembered_where_something_stands_between():
    window = Window(FINDERS, {})
    first = "".join([*window.feed("Key: sk-proj-aZ3kQ9xW7bT5mR1nY8p", mask), *window.finish(mask)])
    second = "".join([*window.feed("L2vC4dF6gH0jS and more words that follow it.", mask), *window.finish(mask)])
    assert "L2vC4dF6gH0jS" not in first + second
    assert second.endswith(" and more words that follow it.")
