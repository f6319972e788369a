"""How many tokens a text has, by the classes of its bytes: no vocabulary, no dependency, some microseconds."""

import re
from zlib import adler32

_SCALE = 32
_CHUNK = 1024
"""Bytes whose weights sum to less than the checksum's modulus, 65,521, whatever they are (1024 · 63)."""
_ASCII_CHUNK = 2250
"""The same, of plain letters (2250 · 29)."""
_WHOLE = 64 << 10
"""Bytes of a text that are all looked at; of a larger one as many are, from all over it."""
_PIECE = 4 << 10
_MEDIA = 256
"""A string of more bytes that is base64 is a picture, sound or file."""
_MOST_MEDIA = 256

IMAGE = 800
"""Tokens of a picture, whatever its size: models take 85 … 1,600."""
_CLASSES: tuple[tuple[float, bytes], ...] = (
    (0.249, b"abcdefghijklmnopqrstuvwxyz"),
    (0.264, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (0.211, b"0123456789"),
    (0.016, b' "'),
    (0.701, b"{}[]"),
    (0.911, b"()"),
    (0.749, b","),
    (0.631, b"\\"),
    (0.594, b"<>=+*&|^%$#@!?;'`~"),
    (0.505, b":"),
    (0.228, b"."),
    (0.14, b"-_/"),
    (0.375, bytes(range(0x80, 0xC0))),  # what follows the first byte of other letters: Cyrillic, Han, Hangul, kana
    (0.876, bytes(range(0xC2, 0xC8))),  # the first byte of accented Latin letters
    (0.9, bytes(range(0xC8, 0xD0))),  # Greek
    (1.127, b"\xe2"),  # typographic quotes and dashes
    (1.9, bytes(range(0xF0, 0xF8))),  # emoji
)
"""Tokens a byte, fitted to o200k_base on prose, code, JSON and man pages in fourteen languages, as JSON writes them."""
_MESSAGE = -3.2
"""What `{"role":"user","content":""}` has in bytes and not in tokens."""
_CALL = 1.7
_ESCAPED = -1.2
"""What a `\\u4e2d` has too much."""
_TOOL_CALL = -12.0
"""What the id of a tool's call, and the members around it, have too much."""
SCHEMA = 0.45
"""Part of a tool's definition or a schema that models are shown: without quotes and braces."""


_WORDS = re.compile(rb'"(?:type|role)"').findall


def _table() -> bytes:
    weights = bytearray(256)
    for tokens, letters in _CLASSES:
        for letter in letters:
            weights[letter] = round(tokens * _SCALE)
    return bytes(weights)


_WEIGHTS = _table()


def tokens_of(text: bytes) -> float:
    """Tokens of a piece of JSON: messages, a prompt, tools; at least 1. Payloads in base64 count by kind, not size."""
    besides, size = 0.0, len(text)
    words = _WORDS(text[:_WHOLE])
    roles, typed = len(words), b'"type"' in words or (size > _WHOLE and b'"type"' in text)
    if typed:  # content in parts, calls of tools
        text, besides = _without_media(text)
        besides += _TOOL_CALL * (text.count(b'"call_') + text.count(b'"toolu_'))
        size = len(text)
    if size > _WHOLE:
        text = _sample(text)
    if typed or size > _WHOLE:
        roles = text.count(b'"role"')
    found = _weighed(text) + _MESSAGE * roles + _CALL
    if b"\\" in text and text.count(b"\\") * 20 > len(text):
        found += _ESCAPED * text.count(b"\\u")
    if size > _WHOLE:
        found *= size / _WHOLE
    found += besides
    return max(1.0, found)


def _weighed(text: bytes) -> float:
    """The sum of all bytes' weights: a checksum adds them up faster than any loop."""
    weights = text.translate(_WEIGHTS)
    chunk = _ASCII_CHUNK if text.isascii() else _CHUNK
    if len(weights) <= chunk:
        return (adler32(weights, 0) & 0xFFFF) / _SCALE
    total = 0
    for start in range(0, len(weights), chunk):
        total += adler32(weights[start : start + chunk], 0) & 0xFFFF
    return total / _SCALE


def _sample(text: bytes) -> bytes:
    """Pieces from all over a large text."""
    count = _WHOLE // _PIECE
    step = len(text) // count
    return b"".join([text[at : at + _PIECE] for at in range(0, step * count, step)])


def _without_media(text: bytes) -> tuple[bytes, float]:
    """The text without base64 payloads, and what those and pictures by address are reckoned at."""
    kept: list[bytes] = []
    tokens, begin, at = 0.0, 0, 0
    for _ in range(_MOST_MEDIA):
        at = text.find(b"data", at)
        if at < 0:
            break
        start, end = _payload(text, at)
        if end - start > _MEDIA:
            kept.append(text[begin:start])
            tokens += _reckoned(text[max(0, at - 64) : start], end - start)
            begin = at = end
        else:
            at += 4
    text = b"".join([*kept, text[begin:]]) if kept else text
    return text, tokens + IMAGE * _pictures(text[:_WHOLE])


def _pictures(text: bytes) -> int:
    """Pictures by address, in the words of each dialect; those in base64 have left the mark of theirs empty."""
    there = max(text.count(b'"image_url"') // 2, text.count(b'"input_image"')) + text.count(b'"image"')
    return max(0, there - text.count(b'base64,"') - text.count(b'"data":""') - text.count(b'"data": ""'))


def _payload(text: bytes, at: int) -> tuple[int, int]:
    """Where the base64 begins and ends that `data` at `at` announces: `data:image/png;base64,…` or `"data":"…"`."""
    head = text[at : at + 128]
    start = head.find(b";base64,") + 8
    if start < 8 or b'"' in head[:start]:
        start = head.find(b'"', 6) + 1 if head[4:5] == b'"' else 0
    if start <= 0:
        return 0, 0
    start += at
    end = text.find(b'"', start)
    return (start, end) if end >= 0 and b" " not in text[start : start + _MEDIA] else (0, 0)


def _reckoned(before: bytes, size: int) -> float:
    """Tokens of a payload of `size` bytes, by what stands before it."""
    if b"image" in before:
        return IMAGE
    if b"audio" in before:
        return 100 + size / 2000
    return 1500 + min(size, 1 << 23) / 20
