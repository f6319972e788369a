"""Many short texts: looked at together, each is found to be what it is found to be alone."""

import json
import random

import pytest
from tests.wire.screening.test_injection import lines

from triplegate.wire.screening.among import LONGEST, among, chunked, finders_among, texts_of
from triplegate.wire.screening.disguise import Disguises
from triplegate.wire.screening.injection import scorer
from triplegate.wire.screening.pii import KINDS, finders
from triplegate.wire.screening.secrets import Secrets
from triplegate.wire.screening.signs import signs
from triplegate.wire.screening.words import Patterns, Words

score = scorer()
ROWS = [f"left with neighbour {number}" for number in range(300)]


@pytest.mark.parametrize("name", ["direct", "indirect", "disguised", "hard"])
def test_each_has_the_score_that_it_has_alone(name: str):
    texts = lines(f"unseen/{name}")
    few = score.among([*ROWS, *texts])
    for one in texts:
        assert few(one) == score(one)
        assert score.among([*ROWS[:9], one])(one) == score(one)


def test_where_nothing_is_found_little_is_looked_for():
    known = among(ROWS, signs(), Disguises())
    assert (known.signs, known.loose, known.ciphered, known.disguised) == ((), False, False, False)
    assert known.texts == frozenset(ROWS)


def test_what_is_long_or_of_other_letters_is_looked_at_alone():
    assert among(["a" * (LONGEST + 1), "\u00e9t\u00e9", "b"], (), Disguises()).texts == {"b"}


def test_only_finders_that_find_something_are_left():
    known = [*finders(list(KINDS)), Secrets(), Words(["falcon"]), Patterns(["T-[0-9]{4}"], 20), Patterns(["^x$"], 20)]
    assert finders_among(ROWS, known) == known[-1:]
    for text in ("a@b.example", "4111 1111 1111 1111", "AKIAQWERTY23ASDFGH45", "a falcon", "T-1234"):
        (left, last) = finders_among([*ROWS, text, *ROWS], known)
        assert list(left(text))
        assert last is known[-1]


def test_strings_names_and_whole_numbers_are_taken_from_json():
    assert texts_of(json.dumps({"a": ["b", {"c": "d"}], "e": 12345678, "f": 1.5, "g": None, "h": True}).encode()) == {
        *"abcdefgh",
        "12345678",
    }
    assert texts_of(b"{") == texts_of(b'"\xff"') == set()
    assert texts_of(b"[" * 500 + b'"deep"' + b"]" * 500) <= {"deep"}


def test_they_are_joined_into_few():
    random.seed(1)
    texts = ["x" * random.randrange(1, LONGEST) for _ in range(100)]
    chunks = list(chunked(texts))
    assert max(map(len, chunks)) <= 8192
    assert [one for chunk in chunks for one in chunk.split("\n\0\n")] == texts
