"""The lists hold together: pairs are pairs, and no word that decides an answer is taken for one that does not."""

from triplegate.stores.semantic.vocabulary import FORMS, LANGUAGES, MARKS, NEGATIONS, NUMBERS, OPPOSITES, STOP


def test_opposites_are_pairs():
    pairs = [pair.split() for pair in OPPOSITES.replace("\n", "|").split("|") if pair.strip()]
    assert len(pairs) > 200
    assert all(len(pair) == 2 and pair[0] != pair[1] for pair in pairs)


def test_what_decides_is_not_passed_over():
    assert not STOP & (NEGATIONS | FORMS | LANGUAGES | NUMBERS.keys())


def test_languages_are_told_by_more_than_their_names():
    assert all(len(words) >= 10 for words in MARKS.values())
