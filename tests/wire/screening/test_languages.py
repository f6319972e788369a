"""The language of a text is told where it can be; of short, mixed and coded texts nothing is said."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.wire.screening import languages

CORPUS = Path(__file__).parent / "corpus"
TEXTS = {
    "en": "How do I return a product that I bought last week?",
    "de": "Wie kann ich ein Produkt zur\u00fcckgeben, das ich letzte Woche gekauft habe?",
    "fr": "Comment puis-je retourner un produit achet\u00e9 la semaine derni\u00e8re ?",
    "es": "\u00bfC\u00f3mo puedo devolver un producto que compr\u00e9 la semana pasada?",
    "no": "Hvordan kan jeg returnere et produkt som jeg kj\u00f8pte forrige uke?",
    "ru": (
        "\u041a\u0430\u043a \u043c\u043d\u0435 \u0432\u0435\u0440\u043d\u0443\u0442\u044c \u0442\u043e\u0432\u0430"
        "\u0440, \u043a\u0443\u043f\u043b\u0435\u043d\u043d\u044b\u0439 \u043d\u0430 \u043f\u0440\u043e"
        "\u0448\u043b\u043e\u0439 \u043d\u0435\u0434\u0435\u043b\u0435?"
    ),
    "zh": "\u6211\u600e\u6837\u9000\u56de\u4e0a\u5468\u4e70\u7684\u4ea7\u54c1\uff1f",
}


@pytest.fixture(scope="module")
def tell():
    return languages.Teller()


@pytest.mark.parametrize("name", TEXTS)
def test_the_language_of_a_sentence_is_told(tell, name):
    assert tell(TEXTS[name]).language == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "Maria Garcia",
        "4711 0815 12.50",
        "def f(x):\n    return [y for y in x if y.is_valid()]",
        '{"a": [1, 2, 3], "name": "value"}',
        "https://shop.example/wie-kann-ich-ein-produkt-zurueckgeben ada@mail.example.org",
    ],
)
def test_of_what_is_short_or_no_language_nothing_is_told(tell, text):
    assert tell(text) == languages.Told()


def test_of_a_text_in_two_languages_both_are_told_and_neither_is_its_own(tell):
    found = tell(f"{TEXTS['en']} {TEXTS['en']}\n{TEXTS['ru']} {TEXTS['ru']}")
    assert found.language == ""
    assert "ru" in found.others


def test_no_english_prompt_is_taken_for_another_language(tell):
    lines = (CORPUS / "benign.txt").read_text().splitlines()
    english = [line.replace("\\n", "\n") for line in lines if line.isascii()]
    others = [line for line in english if tell(line).language not in ("", "en")]
    assert len(english) > 200
    assert len(others) <= 12  # the corpus has some sentences of other languages without accents


@settings(max_examples=30)
@given(st.text(max_size=60))
def test_whatever_comes_something_is_told(text):
    languages.Teller()(text)


def test_long_texts_are_looked_at_where_they_begin_and_end(tell):
    padding = TEXTS["de"] * 2000
    assert tell(padding).language == "de"


def test_names_that_nobody_tells_are_refused():
    assert [languages.one_of(name) for name in ("en", "da", "he", "iw", "bs")] == ["en", "no", "he", "he", "sr"]
    with pytest.raises(ValueError, match="'xx' cannot be told"):
        languages.one_of("xx")
