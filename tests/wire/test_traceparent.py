"""Trace Context, after the examples of the recommendation."""

import pytest

from triplegate.wire.traceparent import begin, is_trace, onward, resume

GIVEN = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_callers_trace_is_continued_with_a_span_of_our_own() -> None:
    trace = resume(GIVEN)
    assert trace.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert trace.parent_id == "b7ad6b7169203331"
    assert trace.sampled
    assert trace.span_id not in (trace.parent_id, "0" * 16)
    assert trace.header() == f"00-{trace.trace_id}-{trace.span_id}-01".encode()


def test_a_child_stands_below_us() -> None:
    trace = begin(sampled=True)
    child = trace.child()
    assert (child.trace_id, child.parent_id, child.sampled) == (trace.trace_id, trace.span_id, True)
    assert resume(child.header()).parent_id == child.span_id


def test_later_versions_may_say_more_and_unknown_flags_are_ignored() -> None:
    assert resume(b"cc" + GIVEN[2:] + b"-what-comes").parent_id == "b7ad6b7169203331"
    assert not resume(GIVEN[:-2] + b"02").sampled
    assert resume(GIVEN[:-2] + b"03").sampled


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"00",
        GIVEN[:-1],
        GIVEN + b"0",
        GIVEN + b"-x",
        b"ff" + GIVEN[2:],
        GIVEN.upper(),
        GIVEN.replace(b"0af7", b"0xf7"),
        b" " + GIVEN,
        b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-" + b"0" * 16 + b"-01",
    ],
)
def test_anything_else_begins_a_new_trace(value: bytes | None) -> None:
    trace = resume(value, sampled=True)
    assert trace.parent_id == ""
    assert trace.sampled
    assert resume(trace.header()).trace_id == trace.trace_id


def test_traces_are_unlike() -> None:
    assert len({begin().trace_id for _ in range(100)}) == 100


def test_onward_is_the_header_that_resume_would_send():
    sent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert onward(sent)[:36] == sent[:36]
    assert onward(sent)[-2:] == b"01"
    fresh = {onward(None) for _ in range(100)}
    assert len(fresh) == 100
    assert all(resume(made).parent_id.encode() == made[36:52] for made in fresh)
    assert onward(None, sampled=True)[-2:] == b"01"


def test_a_well_formed_parent_is_told_from_others() -> None:
    assert is_trace(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    for wrong in (b"", b"00-zz-yy-01", b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01"):
        assert not is_trace(wrong)
