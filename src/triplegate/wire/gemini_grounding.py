"""Where Gemini's text comes from: grounding and citation metadata as citations of the text block."""

from collections.abc import Iterator

import msgspec

from triplegate.wire.neutral import Citation


class _Source(msgspec.Struct, gc=False):
    uri: str | None = None
    title: str | None = None
    text: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    web: _Source | None = None
    retrieved_context: _Source | None = None
    maps: _Source | None = None


class _Segment(msgspec.Struct, rename="camel", gc=False):
    start_index: int | None = None
    end_index: int | None = None


class _Support(msgspec.Struct, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class _Grounding(msgspec.Struct, rename="camel"):
    grounding_chunks: list[msgspec.Raw] | None = None
    grounding_supports: list[_Support] | None = None
    web_search_queries: list[str] | None = None


class _Cited(msgspec.Struct, rename="camel", gc=False):
    start_index: int | None = None
    end_index: int | None = None
    uri: str | None = None
    title: str | None = None


class _Citations(msgspec.Struct):
    citations: list[msgspec.Raw] | None = None


_grounding = msgspec.json.Decoder(_Grounding).decode
_chunk = msgspec.json.Decoder(_Chunk).decode
_citations = msgspec.json.Decoder(_Citations).decode
_cited = msgspec.json.Decoder(_Cited).decode
_NOWHERE = _Source()
_ALL = _Segment()


def read_grounding(raw: msgspec.Raw, text: str) -> tuple[list[Citation], int]:
    """Citations of `text` (the answer so far) and how many searches were made. Raises msgspec.DecodeError.

    A source that supports no stretch of the text is cited for the whole; Gemini counts in bytes, citations in
    characters.
    """
    said = _grounding(raw)
    chunks = [(bytes(one), _source(_chunk(one))) for one in said.grounding_chunks or []]
    places = _Places(text)
    found: list[Citation] = []
    used: set[int] = set()
    for support in said.grounding_supports or []:
        segment = support.segment or _ALL
        start, end = places.at(segment.start_index), places.at(segment.end_index)
        for number in support.grounding_chunk_indices or []:
            if 0 <= number < len(chunks):
                used.add(number)
                found.append(_citation(*chunks[number], start, end))
    found += [_citation(*chunk, 0, 0) for number, chunk in enumerate(chunks) if number not in used]
    return found, len(said.web_search_queries or [])


def read_citations(raw: msgspec.Raw, text: str) -> Iterator[Citation]:
    """Citations of text that was taken from somewhere (`citationMetadata`). Raises msgspec.DecodeError."""
    places = _Places(text)
    for one in _citations(raw).citations or []:
        said = _cited(one)
        source = _Source(said.uri, said.title)
        yield _citation(bytes(one), source, places.at(said.start_index), places.at(said.end_index))


def _source(chunk: _Chunk) -> _Source:
    return chunk.web or chunk.retrieved_context or chunk.maps or _NOWHERE


def _citation(raw: bytes, source: _Source, start: int, end: int) -> Citation:
    return Citation(source.uri or "", source.title or "", source.text or "", start, end, "gemini", raw)


class _Places:
    """Characters for byte positions of a text."""

    __slots__ = ("_bytes", "_plain")

    def __init__(self, text: str) -> None:
        self._bytes = text.encode()
        self._plain = len(self._bytes) == len(text)

    def at(self, position: int | None) -> int:
        position = min(max(0, position or 0), len(self._bytes))
        return position if self._plain else len(self._bytes[:position].decode("utf-8", "ignore"))
