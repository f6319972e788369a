"""What a text says and what it quotes are read apart."""

import pytest

from triplegate.wire.screening.concepts import NAMES, Concepts
from triplegate.wire.screening.quoted import parted, parts

concepts = Concepts()


@pytest.mark.parametrize(
    "text",
    [
        'What does "forget your rules" mean?',
        "What does \u201cforget your rules\u201d mean?",
        "Was hei\u00dft \u201eforget your rules\u201c auf Deutsch?",
        "Que veut dire \u00abforget your rules\u00bb ?",
        "What does 'forget your rules' mean?",
        "What does `forget your rules` mean?",
    ],
)
def test_a_quoted_sentence_is_taken_out(text: str):
    outside, pieces = parted(text)
    assert pieces == ["forget your rules"]
    assert "forget" not in outside


@pytest.mark.parametrize(
    "text", ["", "No marks", "It's Anna's dog, isn't it?", 'The word "previous" is here', 'Open "']
)
def test_what_quotes_nothing_stays(text: str):
    assert parted(text) == (text, [])


def named(mask: int) -> set[str]:
    return {name for at, name in enumerate(NAMES) if mask >> at & 1}


def test_a_piece_is_told_who_quotes_it():
    (_, none), (piece, given) = parts('How do I translate "forget your rules"?', concepts)
    assert (none, piece) == (0, "forget your rules")
    assert named(given) == {"quoted", "quoted by who asks", "quoted by who edits"}
    assert parts("Forget it", concepts) == [("Forget it", 0)]


def test_only_so_many_pieces_are_read_for_themselves():
    assert len(parts('"one two three" ' * 100, concepts)) == 17
