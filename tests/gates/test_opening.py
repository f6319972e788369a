"""Every exchange begins with an id, a trace and a request id."""

import pytest
from tests.builders import PlainGate, make_house, make_inbound

from triplegate.gates.opening import begin

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def opened(*headers, sample=0.0):
    house = make_house()
    house.sample = sample
    return begin(PlainGate(), make_inbound(headers=headers), house, "hash")


def test_it_has_an_id_of_its_own_and_the_snapshots():
    one, other = opened(), opened()
    assert len(one.id) == 26
    assert one.id != other.id
    assert one.snapshot == "hash"
    assert one.started == 1000.0


def test_a_well_formed_request_id_is_the_clients():
    assert opened((b"x-request-id", b"abc-1.2:3/4+5=6@7")).request_id == b"abc-1.2:3/4+5=6@7"


@pytest.mark.parametrize("value", [b"", b"a b", b"a\nb", b"\xff", b"x" * 129, b'"q"', b"<script>"])
def test_any_other_is_replaced_by_the_exchanges_own(value):
    exchange = opened((b"x-request-id", value))
    assert exchange.request_id == exchange.id.encode()


def test_a_trace_is_continued_with_a_span_of_ours_and_the_callers_decision():
    version, trace, span, flags = opened((b"traceparent", PARENT)).trace.split(b"-")
    assert (version, trace, flags) == (b"00", b"0af7651916cd43dd8448eb211c80319c", b"01")
    assert span != b"b7ad6b7169203331"


@pytest.mark.parametrize(("sample", "flags"), [(0.0, b"-00"), (1.0, b"-01")])
def test_a_new_trace_is_sampled_by_the_houses_share(sample, flags):
    assert opened(sample=sample).trace.endswith(flags)
    assert opened((b"traceparent", b"nonsense"), sample=sample).trace.endswith(flags)
