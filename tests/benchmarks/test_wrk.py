"""wrk's report, read."""

from benchmarks.wrk import parse

GOOD = """Running 1s test @ http://127.0.0.1:1/rest/items
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.34ms  402.11us  10.91ms   91.67%
  Latency Distribution
     50%  921.00us
     75%    1.45ms
     90%    1.66ms
     99%    1.01s
  46012 requests in 1.00s, 53.27MB read
Requests/sec:  45968.97
Transfer/sec:     53.22MB
"""


def test_rates_and_latencies_are_read_in_their_units() -> None:
    found = parse(GOOD)
    assert found == {"rps": 45968.97, "answers": 46012, "errors": 0, "p50_ms": 0.921, "p99_ms": 1010.0}


def test_wrong_statuses_and_broken_connections_are_errors() -> None:
    bad = "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 7\n"
    assert parse(GOOD + bad)["errors"] == 17
