"""Parts of messages in OpenAI's two dialects, which write them alike but for the names of their types."""

from typing import Any, ClassVar

from triplegate.wire.codec import Losses
from triplegate.wire.neutral import Media, Native, Part, Raw, Refused, Text

OPENAI = frozenset({"openai", "openai_responses"})
"""Dialects whose stored files and cache breakpoints OpenAI knows."""
_MIMES = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4", "file": "application/pdf"}


class Parts:
    """Writes the parts of messages that were read from `dialect`."""

    __slots__ = ("_dialect", "_losses")
    family: ClassVar[str]
    """Whose blocks pass as they are."""
    text: ClassVar[str]
    """The type of a text."""

    def __init__(self, dialect: str, losses: Losses) -> None:
        self._dialect, self._losses = dialect, losses

    def _part(self, part: Part) -> Any:
        """The part as written; None, and a loss, for what has no place there."""
        match part:
            case Text(text):
                return self._cached({"type": self.text, "text": text}, part.cache)
            case Media():
                return self._media(part)
            case Native(provider, kind, raw):
                if provider == self.family:
                    return Raw(raw)
                self._losses.lose_content(kind)
            case Refused(text):
                return {"type": self.text, "text": text}
            case _:
                self._losses.lose_content(type(part).__name__.lower())
        return None

    def _cached(self, part: dict[str, Any], cache: str) -> dict[str, Any]:
        if cache and self._dialect in OPENAI:
            part["prompt_cache_breakpoint"] = {"mode": "explicit"}
        elif cache:
            self._losses.lose("cache_control")
        return part

    def _media(self, media: Media) -> Any:
        data_url = f"data:{media.mime or _MIMES[media.kind]};base64,{media.data}" if media.data else ""
        written = self._written(media, data_url)
        if written is None:
            self._losses.lose(media.kind, f"the provider's dialect cannot carry this {media.kind}")
            return None
        return self._cached(written, media.cache)

    def _written(self, media: Media, data_url: str) -> dict[str, Any] | None:
        """The medium in the dialect; `data_url` is empty where it is not inline."""
        raise NotImplementedError
