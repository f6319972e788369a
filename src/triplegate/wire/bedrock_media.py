"""Pictures, sounds, films and documents as Bedrock's blocks; what is inline stays the base64 it came as."""

import re
from typing import Any

from triplegate.wire.codec import Losses
from triplegate.wire.neutral import Media

_FORMATS = {
    "image": {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"},
    "audio": {
        "audio/mpeg": "mp3",
        "audio/mp3": "mp3",
        "audio/wav": "wav",
        "audio/x-wav": "wav",
        "audio/aac": "aac",
        "audio/flac": "flac",
        "audio/ogg": "ogg",
        "audio/opus": "opus",
        "audio/mp4": "mp4",
        "audio/webm": "webm",
        "audio/pcm": "pcm",
    },
    "video": {
        "video/mp4": "mp4",
        "video/quicktime": "mov",
        "video/x-matroska": "mkv",
        "video/webm": "webm",
        "video/x-flv": "flv",
        "video/mpeg": "mpeg",
        "video/x-ms-wmv": "wmv",
        "video/3gpp": "three_gp",
    },
    "file": {
        "application/pdf": "pdf",
        "text/csv": "csv",
        "application/msword": "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "application/vnd.ms-excel": "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
        "text/html": "html",
        "text/plain": "txt",
        "text/markdown": "md",
    },
}
_USUAL = {"image": "png", "audio": "mp3", "video": "mp4", "file": "pdf"}
"""Where neither the type nor the name says it."""
_LIKE = {"jpg": "jpeg", "htm": "html", "text": "txt", "3gp": "three_gp"}
_NOT_NAMES = re.compile(r"[^A-Za-z0-9()\[\] -]+")
_BLANKS = re.compile(r" {2,}")


class Medium:
    """Writes the media of one request; documents need names, and each its own."""

    __slots__ = ("_losses", "_names")

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._names: set[str] = set()

    def block(self, media: Media) -> dict[str, Any] | None:
        """The block; None, and a loss, for what is stored where Bedrock does not look."""
        if media.detail not in ("", "auto"):
            self._losses.lose("detail")
        if media.data:
            source: dict[str, Any] = {"bytes": media.data}
        elif (address := media.url or media.file_id).startswith("s3://"):
            source = {"s3Location": {"uri": address}}
        elif media.url:
            self._losses.lose("url", "the provider fetches nothing but from S3")
            return None
        else:
            self._losses.lose("file_id", "the file is stored at another provider")
            return None
        if media.kind != "file":
            return {media.kind: {"format": _format(media), "source": source}}
        return {"document": {"format": _format(media), "name": self._name(media.name), "source": source}}

    def _name(self, name: str) -> str:
        """Few characters are allowed, and no name twice."""
        stem = _BLANKS.sub(" ", _NOT_NAMES.sub("-", name.rpartition(".")[0] or name)).strip(" -")[:190] or "Document"
        found, number = stem, 1
        while found in self._names:
            number += 1
            found = f"{stem} {number}"
        self._names.add(found)
        return found


def _format(media: Media) -> str:
    known = _FORMATS[media.kind]
    found = known.get(media.mime.partition(";")[0].strip().lower())
    if found is None:
        place = media.name or media.url.partition("?")[0] or media.file_id
        ending = place.rpartition(".")[2].lower()
        ending = _LIKE.get(ending, ending)
        found = ending if ending in known.values() else None
    return found or _USUAL[media.kind]
