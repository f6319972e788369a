"""Tokens by classes of bytes: near what tokenizers count, for any bytes, and media by kind."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.estimator import IMAGE, tokens_of

PROSE = "The committee met on Tuesday to discuss the proposed changes and agreed to publish its findings next week. "
CODE = 'def total(items):\n    result = 0\n    for item in items:\n        result += item["price"] * item["count"]\n'
GERMAN = "Die Abgeordneten haben gestern über den Vorschlag beraten und werden nächste Woche darüber abstimmen. "
RUSSIAN = "Вчера депутаты обсудили предложение и проголосуют за него на следующей неделе в столице. "
CHINESE = "昨天委员会讨论了这项提案，并决定下周公布结果。请大家及时查看通知。"


def said(text, **how):
    return json.dumps([{"role": "user", "content": text}], **({"ensure_ascii": False} | how)).encode()


@pytest.mark.parametrize(
    ("text", "exact"),  # o200k_base, 10 times the text: counted with tiktoken
    [(PROSE, 198), (CODE, 287), (GERMAN, 198), (RUSSIAN, 238), (CHINESE, 217)],
    ids=["prose", "code", "german", "russian", "chinese"],
)
def test_text_of_many_kinds_is_estimated_within_a_third(text, exact):
    assert tokens_of(said(text * 10)) == pytest.approx(exact, rel=0.35)


@pytest.mark.parametrize("text", [CHINESE, RUSSIAN])
def test_escaped_letters_count_much_as_plain_ones(text):
    assert tokens_of(said(text * 10, ensure_ascii=True)) == pytest.approx(tokens_of(said(text * 10)), rel=0.8)


@given(st.binary(max_size=5000))
def test_any_bytes_have_at_least_one_token_and_at_most_two_each(text):
    found = tokens_of(text)
    assert 1 <= found <= 2 * len(text) + 2 + IMAGE * (text.count(b"image") + text.count(b"data"))


WORDS = st.text(st.characters(categories=["L", "N", "Zs"]), max_size=300)


@given(WORDS, WORDS)
def test_more_text_is_never_less(one, other):
    assert tokens_of(said(one)) <= tokens_of(said(one + " " + other)) + 1e-6


@pytest.mark.parametrize("size", [70_000, 700_000])
def test_a_large_text_is_estimated_by_pieces_of_it(size):
    text = PROSE * (size // len(PROSE))
    assert tokens_of(said(text)) == pytest.approx(tokens_of(said(PROSE * 100)) * len(text) / len(PROSE) / 100, rel=0.1)


PAYLOAD = "iVBORw0KGgoAAAANSUhEUgAA" * 4000


def parts(*content):
    return said([{"type": "text", "text": "What is this?"}, *content])


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PAYLOAD}"}},
        {"type": "image_url", "image_url": {"url": "https://example.test/cat.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PAYLOAD}},
        {"type": "image", "source": {"type": "url", "url": "https://example.test/cat.png"}},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PAYLOAD}"},
        {"type": "input_image", "image_url": "https://example.test/cat.png"},
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_picture_counts_once_whatever_its_size_and_dialect(part, separators):
    text = json.dumps([{"role": "user", "content": [{"type": "text", "text": "x"}, part]}], separators=separators)
    assert IMAGE <= tokens_of(text.encode()) < IMAGE + 100


def test_sound_and_files_count_by_kind():
    sound = {"type": "input_audio", "input_audio": {"data": PAYLOAD, "format": "mp3"}}
    paper = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PAYLOAD}"}}
    assert 100 < tokens_of(parts(sound)) < 400
    assert 1500 < tokens_of(parts(paper)) < 8000


def test_words_about_data_are_words():
    text = said([{"type": "text", "text": 'The "data" of "data: base64" is data. ' * 200}])
    assert tokens_of(text) > 1000


@pytest.mark.parametrize("letters", ["(", "\U0001f600"])
def test_the_dearest_letters_add_up(letters):
    once, often = tokens_of((letters * 100).encode()), tokens_of((letters * 10_000).encode())
    assert often == pytest.approx(100 * once, rel=0.05)
