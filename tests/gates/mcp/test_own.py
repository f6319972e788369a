"""The form of what the gate answers by itself."""

import msgspec
import pytest

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.own import accepted, complete, read_text


def test_a_result_of_ours_is_private_and_names_who_is_missing():
    told = complete(1.5, ["s1"])
    assert (told["resultType"], told["ttlMs"], told["cacheScope"]) == ("complete", 1500, "private")
    assert told["_meta"]["triplegate.dev/unavailable"] == ["s1"]
    assert "triplegate.dev/unavailable" not in complete(1.5)["_meta"]


@pytest.mark.parametrize("raw", [None, b"7", b"null", b'"\xff"'])
def test_what_is_no_string_is_refused(raw):
    with pytest.raises(Refusal, match=r"params\.name must be a string"):
        read_text(None if raw is None else msgspec.Raw(raw), "name")


def test_what_needs_no_answer_is_accepted():
    assert accepted().status == 202
