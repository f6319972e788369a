"""English words by concept: each concept has some, and each is written as the reader of them expects."""

import re

from triplegate.wire.screening.lexicon import ENGLISH


def test_every_concept_has_words_that_can_be_found():
    for name, words in ENGLISH.items():
        assert words.split(), name
        for word in words.split():
            assert re.fullmatch(r"[a-z][a-z'.\-]*(?:_[a-z'.\-]+)*\*?", word), (name, word)
            assert "_" not in word or not word.endswith("*"), (name, word)
            assert word.count("_") < 3, (name, word)
