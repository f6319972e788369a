"""Grounding as citations: Gemini counts bytes, citations count characters."""

import json

import msgspec
import pytest

from triplegate.wire.gemini_grounding import read_citations, read_grounding

ANSWER = "It is 20°C in Zürich. Bring a coat."
SUN = {"web": {"uri": "https://weather.example/z", "title": "weather.example"}}
COAT = {"retrievedContext": {"uri": "gs://notes/coats", "title": "Coats", "text": "Coats are warm."}}


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def test_a_supported_stretch_is_cited_in_characters_and_an_unused_source_for_the_whole():
    end = len("It is 20°C in Zürich.".encode())
    found, searches = read_grounding(
        raw(
            {
                "webSearchQueries": ["weather zurich", "zurich now"],
                "groundingChunks": [SUN, COAT],
                "groundingSupports": [{"segment": {"endIndex": end}, "groundingChunkIndices": [0, 7]}],
            }
        ),
        ANSWER,
    )
    assert searches == 2
    sun, coat = found
    assert ANSWER[sun.start : sun.end] == "It is 20°C in Zürich."
    assert (sun.url, sun.title, sun.provider, json.loads(sun.raw)) == (
        SUN["web"]["uri"],
        "weather.example",
        "gemini",
        SUN,
    )
    assert (coat.start, coat.end, coat.url, coat.quote) == (0, 0, "gs://notes/coats", "Coats are warm.")


def test_an_index_beyond_the_text_ends_with_it():
    found, _ = read_grounding(
        raw(
            {
                "groundingChunks": [SUN],
                "groundingSupports": [{"segment": {"startIndex": -2, "endIndex": 9999}, "groundingChunkIndices": [0]}],
            }
        ),
        ANSWER,
    )
    assert (found[0].start, found[0].end) == (0, len(ANSWER))


def test_taken_text_is_cited():
    said = raw({"citations": [{"startIndex": 3, "endIndex": 5, "uri": "https://book.example", "license": "mit"}]})
    (found,) = read_citations(said, ANSWER)
    assert (found.start, found.end, found.url) == (3, 5, "https://book.example")


def test_what_is_no_grounding_is_told():
    with pytest.raises(msgspec.DecodeError):
        read_grounding(raw({"groundingSupports": 7}), "")
