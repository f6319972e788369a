"""One response of several turns: numbers run through, usage adds up, the end tells all."""

import pytest
from msgspec.json import decode

from triplegate.wire.neutral import Raw
from triplegate.wire.responses_merged import Merged, said_of


def events(merged):
    return [decode(block.split(b"data: ")[1]) for block in merged.take().split(b"\n\n") if block]


def test_numbers_and_places_run_through_what_is_ours_and_what_passes():
    merged = Merged({"id": "resp_mcp_1"}, streamed=True)
    merged.begin()
    place = merged.add({"id": "a"})
    merged.tell("response.x", place, "a", more=1)
    merged.relay("response.y", b'{"type":"response.y","sequence_number":9,"output_index":0,"z": 1}', merged.place())
    merged.relay("response.z", b'{"type":"response.z"}', None)
    merged.done(place, {"id": "a"})
    told = events(merged)
    assert [event["sequence_number"] for event in told] == list(range(7))
    assert [event.get("output_index") for event in told] == [None, None, 0, 0, 1, None, 0]
    assert (told[4]["z"], merged.identity, merged.take()) == (1, "mcp_1", b"")
    assert merged.size > 100


@pytest.mark.parametrize("streamed", [True, False])
def test_the_end_has_all_items_and_the_sum_of_usage(streamed):
    merged = Merged({"id": "resp_1", "model": "m"}, streamed=streamed)
    for number in (1, 2):
        merged.count(Raw(b'{"input_tokens":%d,"details":{"cached":1,"x":null},"total":5}' % number))
        merged.keep(merged.place(), Raw(b'{"n":%d}' % number))
    merged.count(Raw(b""))
    merged.count(Raw(b"[]"))
    merged.place()
    merged.adopt({"model": Raw(b'"m-1"'), "id": Raw(b'"theirs"')})
    merged.end("incomplete", {"reason": "x"})
    whole = decode(merged.whole())
    assert (whole["id"], whole["model"], whole["status"], len(whole["output"])) == ("resp_1", "m-1", "incomplete", 2)
    assert whole["usage"] == {"input_tokens": 3, "details": {"cached": 2}, "total": 10}
    assert whole["incomplete_details"] == {"reason": "x"}
    assert (merged.written, [event["type"] for event in events(merged)]) == (
        0,
        ["response.incomplete"] if streamed else [],
    )
    assert merged.size > 0


@pytest.mark.parametrize(
    ("status", "code"), [(429, "rate_limit_exceeded"), (400, "invalid_prompt"), (502, "server_error")]
)
def test_a_failure_is_told_in_the_words_of_the_dialect(status, code):
    merged = Merged({"id": "resp_1"}, streamed=True)
    merged.fail(status, "no luck")
    [event] = events(merged)
    assert (event["type"], event["response"]["error"]) == ("response.failed", {"code": code, "message": "no luck"})
    assert (event["response"]["status"], event["response"]["usage"], merged.status) == ("failed", None, "failed")


def test_what_an_error_says_is_found_wherever_it_is():
    assert said_of(b'{"error":{"message":"no luck"}}') == "no luck"
    for body in (b"", b"[]", b'{"error":1}', b'{"error":{"message":1}}', b"[" * 100_000):
        assert said_of(body) == "The model could not be asked."
