"""The exposition, compared with text written by hand from the two format specifications."""

import pytest

from triplegate.control.telemetry.prometheus import OPENMETRICS, TEXT, negotiate, render
from triplegate.core.meters import Family

FAMILIES = [
    Family("triplegate.refusals", "counter", "{request}", "Refused.", ("triplegate.code",), (), [(("quota",), [3])]),
    Family(
        "x.request.duration",
        "histogram",
        "s",
        "Time.",
        ("gate", "error.type"),
        (0.5, 1),
        [(("api", ""), [2, 1, 1, 7.25])],
    ),
    Family("triplegate.spool.size", "gauge", "By", "Waits.", (), (), [((), [1024])]),
]

PLAIN = """\
# HELP triplegate_refusals_total Refused.
# TYPE triplegate_refusals_total counter
triplegate_refusals_total{triplegate_code="quota"} 3
# HELP x_request_duration_seconds Time.
# TYPE x_request_duration_seconds histogram
x_request_duration_seconds_bucket{gate="api",le="0.5"} 2
x_request_duration_seconds_bucket{gate="api",le="1.0"} 3
x_request_duration_seconds_bucket{gate="api",le="+Inf"} 4
x_request_duration_seconds_sum{gate="api"} 7.25
x_request_duration_seconds_count{gate="api"} 4
# HELP triplegate_spool_size_bytes Waits.
# TYPE triplegate_spool_size_bytes gauge
triplegate_spool_size_bytes 1024
"""

OPEN = """\
# HELP triplegate_refusals Refused.
# TYPE triplegate_refusals counter
triplegate_refusals_total{triplegate_code="quota"} 3
# HELP x_request_duration_seconds Time.
# TYPE x_request_duration_seconds histogram
# UNIT x_request_duration_seconds seconds
x_request_duration_seconds_bucket{gate="api",le="0.5"} 2
x_request_duration_seconds_bucket{gate="api",le="1.0"} 3
x_request_duration_seconds_bucket{gate="api",le="+Inf"} 4
x_request_duration_seconds_sum{gate="api"} 7.25
x_request_duration_seconds_count{gate="api"} 4
# HELP triplegate_spool_size_bytes Waits.
# TYPE triplegate_spool_size_bytes gauge
# UNIT triplegate_spool_size_bytes bytes
triplegate_spool_size_bytes 1024
# EOF
"""


def test_the_text_format_is_exactly_this() -> None:
    assert render(FAMILIES).decode() == PLAIN


def test_the_openmetrics_format_is_exactly_this() -> None:
    assert render(FAMILIES, openmetrics=True).decode() == OPEN


def test_label_values_are_escaped() -> None:
    family = Family("a", "gauge", "1", "x", ("l",), (), [(('q"\\\n',), [1.5])])
    assert 'a{l="q\\"\\\\\\n"} 1.5' in render([family]).decode().splitlines()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPENMETRICS),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text; q=0.000, text/plain", TEXT),
        ("text/plain, Application/OpenMetrics-Text; q=0.3", OPENMETRICS),
    ],
)
def test_openmetrics_goes_to_those_who_ask_for_it(accept: str, expected: str) -> None:
    assert negotiate(accept) == expected
