"""Parts of messages, written for a dialect that names its texts and blocks as it likes."""

import pytest

from triplegate.wire.codec import Losses
from triplegate.wire.neutral import Media, Native, Reasoning, Refused, Text
from triplegate.wire.openai_parts import Parts


class Toy(Parts):
    __slots__ = ()
    family, text = "toy", "words"

    def _written(self, media, data_url):
        return {"at": data_url or media.url} if media.kind == "image" else None


@pytest.mark.parametrize(
    ("part", "wanted", "lost"),
    [
        (Text("a"), {"type": "words", "text": "a"}, []),
        (Text("a", "5m"), {"type": "words", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}, []),
        (Refused("no"), {"type": "words", "text": "no"}, []),
        (Media("image", data="eA=="), {"at": "data:image/png;base64,eA=="}, []),
        (Media("image", "image/gif", "eA=="), {"at": "data:image/gif;base64,eA=="}, []),
        (Media("video", url="u"), None, ["video"]),
        (Native("other", "block", b"{}"), None, ["content.block"]),
        (Reasoning("Hm."), None, ["content.reasoning"]),
    ],
)
def test_a_part_is_written_or_told_as_a_loss(part, wanted, lost):
    losses = Losses()
    assert Toy("openai", losses)._part(part) == wanted
    assert losses.names == lost


def test_a_block_of_its_own_passes_and_a_breakpoint_of_another_vendor_does_not():
    losses = Losses()
    assert bytes(Toy("toy", losses)._part(Native("toy", "block", b'{"a": 1}'))) == b'{"a": 1}'
    assert Toy("anthropic", losses)._part(Text("a", "5m")) == {"type": "words", "text": "a"}
    assert losses.names == ["cache_control"]
