"""Media as Bedrock's blocks."""

from typing import Any

import pytest

from triplegate.wire.bedrock_media import Medium
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import Media

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def block(media: Media) -> Any:
    return Medium(Losses("reject")).block(media)


@pytest.mark.parametrize(
    ("media", "kind", "wanted"),
    [
        (Media("image", "image/jpeg", "eA=="), "image", "jpeg"),
        (Media("image", "image/webp; x=y", "eA=="), "image", "webp"),
        (Media("image", "", "eA=="), "image", "png"),
        (Media("image", "", "eA==", name="me.JPG"), "image", "jpeg"),
        (Media("audio", "audio/mpeg", "eA=="), "audio", "mp3"),
        (Media("video", "video/quicktime", "eA=="), "video", "mov"),
        (Media("file", "application/pdf", "eA=="), "document", "pdf"),
        (Media("file", WORD, "eA=="), "document", "docx"),
        (Media("file", "application/octet-stream", "eA==", name="table.csv"), "document", "csv"),
    ],
)
def test_the_format_is_that_of_the_type_or_of_the_name(media: Media, kind: str, wanted: str):
    found = block(media)
    assert list(found) == [kind]
    assert found[kind]["format"] == wanted
    assert found[kind]["source"] == {"bytes": "eA=="}


def test_what_lies_in_s3_is_told_by_its_address():
    found = block(Media("file", url="s3://ours/report.xlsx"))
    source = {"s3Location": {"uri": "s3://ours/report.xlsx"}}
    assert found == {"document": {"format": "xlsx", "name": "Document", "source": source}}


def test_names_hold_few_characters_and_each_stands_once():
    medium = Medium(Losses())
    names = ["a_b/c  (1).pdf", "a_b/c (1).pdf", "", "", "[x]-y", "." * 9, "é" * 300]
    found = [medium.block(Media("file", "application/pdf", "eA==", name=name)) for name in names]
    told = [one["document"]["name"] for one in found if one is not None]
    assert told == ["a-b-c (1)", "a-b-c (1) 2", "Document", "Document 2", "[x]-y", "Document 3", "Document 4"]


@pytest.mark.parametrize(
    ("media", "lost"),
    [
        (Media("image", url="https://pictures.example/cat.png"), "url"),
        (Media("file", file_id="file-1"), "file_id"),
    ],
)
def test_what_bedrock_would_have_to_fetch_is_lost(media: Media, lost: str):
    losses = Losses()
    assert Medium(losses).block(media) is None
    assert losses.names == [lost]


def test_detail_is_lost_and_the_picture_is_not():
    losses = Losses()
    assert Medium(losses).block(Media("image", "image/png", "eA==", detail="high")) is not None
    assert losses.names == ["detail"]
