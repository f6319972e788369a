"""What words of instructions mean, in eleven languages: the concepts of each sentence of a text, and how they stand."""

import re
from collections.abc import Iterator

from triplegate.wire.pattern import MEMORY_OF_SIGNS, compiled
from triplegate.wire.screening.lexicon import ENGLISH
from triplegate.wire.screening.tongues import OTHERS

FORMS = (
    "asked",
    "orders override",
    "orders reveal",
    "orders",
    "addresses an ai",
    "quotes",
    "brackets",
    "long",
    "places",
    "overrides rules",
    "your rules",
    "reveals the prompt",
    "no limits",
    "an ai is told",
    "overrides things",
    "quoted",
    "quoted by who asks",
    "quoted by who edits",
    "quoted by who speaks of attacks",
    "in a question",
    "for a text",
    "in code",
)
"""What a sentence is like besides its words: a question; one that begins with a verb of that kind; words that follow
another; …"""
NAMES = (*ENGLISH, *FORMS)
_BIT = {name: 1 << at for at, name in enumerate(NAMES)}
_LONG = 30
"""Words of a sentence from which on it speaks of much by chance."""
_SHORTEST, _LONGEST = 3, 16
"""Letters of endless words."""
_KEPT = 8192
_LEADING = 3
"""Words at the begin of a sentence that tell whether it is an order."""
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
"""Scripts without spaces between words."""
_OBJECTS = _BIT["rules"] | _BIT["prompt"] | _BIT["system"]
_TOLD = _BIT["doing"] | _BIT["override"] | _BIT["reveal"] | _BIT["must"]
_NEAR: tuple[tuple[int, int, int], ...] = (
    (_BIT["override"], _OBJECTS, _BIT["overrides rules"]),
    (_BIT["override"], _BIT["thing"], _BIT["overrides things"]),
    (_BIT["you"], _OBJECTS, _BIT["your rules"]),
    (_BIT["reveal"], _OBJECTS, _BIT["reveals the prompt"]),
    (_BIT["neg"], _BIT["limits"] | _BIT["rules"], _BIT["no limits"]),
    (_BIT["ai"], _TOLD, _BIT["an ai is told"]),
)
"""What stands shortly before, what then comes, and what that means."""
_ANY_BEFORE = _BIT["override"] | _BIT["you"] | _BIT["reveal"] | _BIT["neg"] | _BIT["ai"]
_SURELY = {"override": "ignore", "rules": "instructions", "ai": "llm"}
"""What words of other languages mean as well, of which only those are listed that leave little doubt."""
_QUOTING = (
    (_BIT["asks"] | _BIT["asked"], "asks"),
    (_BIT["editing"], "edits"),
    (_BIT["about"] | _BIT["code"], "speaks of attacks"),
)
_MISSPELT = """
ignore disregard override bypass reveal instructions instruction previous prompt system guidelines guideline
restrictions developer unrestricted unfiltered
"""
_INITIALS = frozenset([word[0] for word in _MISSPELT.split()])
"""Words that are recognised with a wrong letter, one too many or too few, or with letters that changed places."""


_WANTED = (
    r"\b(?:write|draft|make|turn|put|rewrite|rephrase|shorten|compose|create|design|prepare|correct|proofread|translate"
    r"|improve|add|format|edit|polish)\b[^.\n]{0,30}\b(?:it|that|this|note|announcement|memo|rule|guideline|story|scene"
    r"|speech|poster|workflow|text|mail|e-?mail|letter|report|tests?|docstring|function|query|script|regex|expression"
    r"|article|post|essay|poem|rubric|checklist|list|table|tweet|step|joke|notes|faq|policy|paragraph|criteria|book)\b"
)
_CODE = r"[({]\)|[=!]=|\w\(\w*\)|\w\.\w+\(|\bdef \w|`|\b(?:import|const|select|return) \w|/\w+/\w|\w_\w+ ?=|--\w"


class Concepts:
    """The words, made ready: about 80 microseconds for 1 KB."""

    __slots__ = (
        "_code",
        "_dense",
        "_exact",
        "_firsts",
        "_known",
        "_misspelt",
        "_of_dense",
        "_phrases",
        "_prefixes",
        "_sentence",
        "_wanted",
        "_word",
    )

    def __init__(self) -> None:
        self._exact: dict[str, int] = {}
        self._known: dict[str, int] = {}
        """Words of late."""
        self._prefixes: dict[str, int] = {}
        self._phrases: dict[str, int] = {}
        self._of_dense: dict[str, int] = {}
        for name, words in ENGLISH.items():
            self._add(words, _BIT[name])
        for name, words in OTHERS.items():
            self._add(words, _BIT[name] | _BIT.get(_SURELY.get(name, ""), 0))
        self._firsts = frozenset([phrase.split()[0] for phrase in self._phrases])
        terms = sorted(self._of_dense, key=len, reverse=True)
        self._dense = re.compile("|".join(terms))
        self._wanted, self._code = compiled(_WANTED, MEMORY_OF_SIGNS), compiled(_CODE, MEMORY_OF_SIGNS)
        self._sentence = re.compile(r"[.!?;](?=\s|$)|[\n\u3002\uff01\uff1f\uff1b]+|(?<=[a-z]{2})\s*[:\u2014](?=\s)")
        self._word = re.compile(r"[^\W_]+(?:['\u2019.-][^\W_]+)*")
        self._misspelt: dict[str, int] = {}
        for word in _MISSPELT.split():
            for wrong in _wrong(word):
                self._misspelt.setdefault(wrong, self._plain(word))

    def _add(self, words: str, bits: int) -> None:
        for word in words.split():
            table = self._table(word)
            key = word.rstrip("*").replace("_", " ")
            table[key] = table.get(key, 0) | bits

    def _table(self, word: str) -> dict[str, int]:
        if _DENSE.search(word):
            return self._of_dense
        if word.endswith("*"):
            return self._prefixes
        return self._phrases if "_" in word else self._exact

    def quoting(self, text: str) -> int:
        """What it means for a quoted piece that it stands in `text`."""
        around = 0
        for found in self.of(text):
            around |= found
        return _BIT["quoted"] | sum([_BIT[f"quoted by who {how}"] for bits, how in _QUOTING if around & bits])

    def of(self, text: str, given: int = 0) -> Iterator[int]:
        """The concepts of each sentence as bits, then with those of the one before; those without any are left out.

        `given`: what the place of the text means.
        """
        before = 0
        text = text.lower().replace("\u2019", "'")
        whole = -1
        at = 0
        while at < len(text):
            end = self._sentence.search(text, at)
            stop = len(text) if end is None else end.end()
            found = self._sentence_of(text[at:stop])
            at = max(stop, at + 1)
            if found:
                if whole < 0:
                    whole = given | self._whole(text)
                yield found | whole
                if before:
                    yield found | before | whole
                before = found

    def _whole(self, text: str) -> int:
        """What the text is as a whole: one that ends with a question, that asks for a text, that has code in it."""
        bits = _BIT["in a question"] if text.rstrip().endswith(("?", "\uff1f")) else 0
        if self._wanted.search(text):
            bits |= _BIT["for a text"]
        if self._code.search(text):
            bits |= _BIT["in code"]
        return bits

    def _of_word(self, word: str) -> int:
        found = self._plain(word)
        if not found and len(word) > 5 and word[0] in _INITIALS and word.isascii():
            found = self._misspelling(word)
        if len(word) <= _LONGEST:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[word] = found
        return found

    def _plain(self, word: str) -> int:
        found = self._exact.get(word, 0)
        for length in range(_SHORTEST, min(len(word), _LONGEST) + 1):
            found |= self._prefixes.get(word[:length], 0)
        return found

    def _misspelling(self, word: str) -> int:
        found = self._misspelt.get(_mixed(word), 0)
        if found or len(word) > _LONGEST:
            return found
        for wrong in _shorter(word):
            found = self._misspelt.get(wrong, 0)
            if found:
                return found
        return self._misspelt.get(word, 0)

    def _sentence_of(self, sentence: str) -> int:
        found = leading = 0
        words = self._word.findall(sentence)
        known = self._known
        one = two = three = four = 0
        for at, word in enumerate(words):
            if at == _LEADING:
                leading = found
            bits = known.get(word)
            if bits is None:
                bits = self._of_word(word)
            if word in self._firsts:
                pair = " ".join(words[at : at + 2])
                bits |= self._phrases.get(pair, 0) | self._phrases.get(" ".join(words[at : at + 3]), 0)
            if bits:
                found |= bits | _after(one | two | three | four, bits)
            four, three, two, one = three, two, one, bits
        if not sentence.isascii() and _DENSE.search(sentence):
            found |= self._in_dense(sentence)
        if not found:
            return 0
        long = _BIT["long"] if len(words) > _LONG else 0
        return found | long | _form(sentence, leading if len(words) > _LEADING else found)

    def _in_dense(self, sentence: str) -> int:
        found = 0
        for term in self._dense.findall(sentence):
            bits = self._of_dense[term]
            found |= bits | _after(found, bits)
        return found


def _after(before: int, bits: int) -> int:
    """What it means that these words come after those."""
    form = 0
    if before & _ANY_BEFORE:
        for first, then, meaning in _NEAR:
            if before & first and bits & then:
                form |= meaning
    return form


def _form(sentence: str, leading: int) -> int:
    bits = 0
    if "?" in sentence or "\uff1f" in sentence:
        bits |= _BIT["asked"]
    if leading & _BIT["override"]:
        bits |= _BIT["orders override"]
    if leading & _BIT["reveal"]:
        bits |= _BIT["orders reveal"]
    if leading & (_BIT["doing"] | _BIT["persona"] | _BIT["new"]):
        bits |= _BIT["orders"]
    if leading & _BIT["ai"]:
        bits |= _BIT["addresses an ai"]
    if '"' in sentence or "\u201c" in sentence or "\u00ab" in sentence:
        bits |= _BIT["quotes"]
    if any(mark in sentence for mark in "<[{#"):
        bits |= _BIT["brackets"]
    if "://" in sentence or "@" in sentence:
        bits |= _BIT["places"]
    return bits


def _mixed(word: str) -> str:
    """The same for words whose inner letters stand in another order."""
    return f"{word[0]}{''.join(sorted(word[1:-1]))}{word[-1]}"


def _shorter(word: str) -> list[str]:
    """The word without one of its letters, for each of them."""
    return [word[:at] + "\0" + word[at + 1 :] for at in range(1, len(word))] + [
        word[:at] + word[at + 1 :] for at in range(1, len(word))
    ]


def _wrong(word: str) -> list[str]:
    """How a word is found though it is misspelt."""
    return [word, _mixed(word), *_shorter(word)]
