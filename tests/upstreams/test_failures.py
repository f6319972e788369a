"""What the client reads tells nothing of where the upstream lives; what the operator reads does."""

import pytest

from triplegate.upstreams.failures import busy, malformed, reset, timed_out, unreachable


@pytest.mark.parametrize(
    ("refusal", "code", "status"),
    [
        (unreachable("http://10.0.0.7:80", "refused"), "upstream_unreachable", 502),
        (reset("http://10.0.0.7:80", "end of stream"), "upstream_reset", 502),
        (malformed("http://10.0.0.7:80", "Duplicate Content-Length"), "upstream_malformed", 502),
        (timed_out("http://10.0.0.7:80", "first byte"), "upstream_timeout", 504),
        (busy("http://10.0.0.7:80", "no connection in 1 s"), "upstream_busy", 503),
    ],
)
def test_detail_is_for_the_client_and_reason_for_the_operator(refusal, code, status):
    assert refusal.code == code
    assert refusal.status == status
    assert "10.0.0.7" not in refusal.detail
    assert "10.0.0.7" in refusal.reason
