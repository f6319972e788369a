"""Spans as a collector gets them: kinds, names, parents and attributes by the semantic conventions."""

from collections.abc import Callable
from typing import Any

from triplegate.control.telemetry.finished import Finished
from triplegate.control.telemetry.spans import SpanExport, attempt_span_id, spans_of
from triplegate.core.record import AttemptRecord

OURS = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
CLIENTS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
Make = Callable[..., Finished]
MakeAttempt = Callable[..., AttemptRecord]


def plain(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_a_fallback_shows_two_client_spans_below_the_server_span(
    collector: Any, make_finished: Make, make_attempt: MakeAttempt
) -> None:
    export = SpanExport(collector.url, "node-1")
    export.start()
    failed = make_attempt(
        status=503, error_class="overload", adopted=False, provider="groq", target="smart-groq", upstream_id=""
    )
    won = make_attempt(
        n=2,
        role="fallback",
        offset_us=9_000,
        tokens=(10, 5, 2, 1, 0, 0, 7, 3, 0),
        usage_source="provider",
    )
    export.take(
        [
            make_finished(
                gate="llm",
                route="smart",
                part="smart",
                path="/v1/chat/completions",
                http_method="POST",
                traceparent=OURS,
                parent=CLIENTS,
                attempts=(failed, won),
            ),
            make_finished(traceparent=OURS[:-1] + "0"),  # not sampled
        ]
    )
    export.close()
    server, first, second = collector.spans()
    assert (server.name, server.kind) == ("POST smart", 2)  # SPAN_KIND_SERVER
    assert server.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert server.span_id.hex() == "00f067aa0ba902b7"
    assert server.parent_span_id.hex() == "b7ad6b7169203331"
    assert server.end_time_unix_nano - server.start_time_unix_nano == 30_000_000
    assert [(span.name, span.kind) for span in (first, second)] == [("chat smart", 3), ("chat smart", 3)]
    assert {span.parent_span_id for span in (first, second)} == {server.span_id}
    assert first.span_id.hex() == "00f067aa0ba902b8"
    assert first.status.code == 2  # STATUS_CODE_ERROR
    assert plain(first)["error.type"] == "overload"
    assert second.start_time_unix_nano - server.start_time_unix_nano == 9_000_000
    told = plain(second)
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.request.model"] == "smart"
    assert told["gen_ai.response.id"] == "chatcmpl-1"
    assert told["gen_ai.usage.input_tokens"] == 18
    assert told["triplegate.attempt.role"] == "fallback"
    assert told["http.request.resend_count"] == 1
    resource = {one.key: one.value.string_value for one in collector.traces[0].resource_spans[0].resource.attributes}
    assert resource["service.name"] == "triplegate"
    assert resource["service.instance.id"] == "node-1"


def test_an_mcp_call_is_named_by_method_and_tool(make_finished: Make, make_attempt: MakeAttempt) -> None:
    server, client = spans_of(
        make_finished(
            gate="mcp",
            rpc="tools/call",
            part="files__read",
            http_method="POST",
            traceparent=OURS,
            attempts=(make_attempt(),),
        )
    )
    assert server.name == client.name == "tools/call files__read"
    assert server.attributes["mcp.method.name"] == "tools/call"
    assert server.attributes["gen_ai.tool.name"] == "files__read"


def test_a_span_of_an_attempt_tells_of_the_way_to_the_server(make_finished: Make, make_attempt: MakeAttempt) -> None:
    one = make_finished(gate="mcp", rpc="prompts/get", part="", traceparent=OURS, attempts=(make_attempt(),))
    one.request = {"gen_ai.prompt.name": "files__ask", "network.transport": "tcp", "jsonrpc.request.id": "7"}
    one.far = {"network.transport": "pipe", "jsonrpc.request.id": ""}
    server, client = spans_of(one)
    assert server.name == client.name == "prompts/get files__ask"
    assert (server.attributes["network.transport"], client.attributes["network.transport"]) == ("tcp", "pipe")
    assert server.attributes["jsonrpc.request.id"] == "7"
    assert "jsonrpc.request.id" not in client.attributes


def test_an_invented_method_does_not_name_a_span(make_finished: Make) -> None:
    (server,) = spans_of(make_finished(gate="mcp", rpc="evil/" + "x" * 999, part="", traceparent=OURS))
    assert server.name == "_OTHER"


def test_a_refused_call_has_one_span_with_its_code(make_finished: Make) -> None:
    (server,) = spans_of(make_finished(traceparent=OURS, outcome="refused", refusal="quota_exceeded", status=429))
    assert server.attributes["error.type"] == "quota_exceeded"
    assert not server.failed  # semantic conventions: a 4xx is not the server's failure
    assert server.parent_id == 0


def test_a_forged_or_foreign_parent_is_not_joined(make_finished: Make) -> None:
    for parent in (
        CLIENTS.replace("0af7", "ffff"),
        "00-zz-yy-01",
        "00-0af7651916cd43dd8448eb211c80319c-xyz-01",
        "-" * 9,
    ):
        (server,) = spans_of(make_finished(traceparent=OURS, parent=parent))
        assert server.parent_id == 0


def test_attributes_hold_no_query_key_or_consumer(make_finished: Make, make_attempt: MakeAttempt) -> None:
    told = str(
        spans_of(make_finished(traceparent=OURS, key_id="KEYID", consumer="CONSUMER", attempts=(make_attempt(),)))
    )
    assert "KEYID" not in told
    assert "CONSUMER" not in told


def test_span_ids_of_attempts_are_distinct_and_never_zero() -> None:
    assert attempt_span_id((1 << 64) - 1, 1) != 0
    assert len({attempt_span_id(7, n) for n in range(1, 20)}) == 19


def test_a_collector_that_refuses_costs_the_spans_and_is_shown(collector: Any, make_finished: Make) -> None:
    collector.status = 400
    export = SpanExport(collector.url, "node-1")
    export.start()
    export.take([make_finished(traceparent=OURS)] * 3)
    export.close()
    assert export.background.failed == 3
    assert "did not take" in export.background.failing


def test_a_collector_that_is_stuck_drops_beyond_the_bound_and_blocks_nobody(make_finished: Make) -> None:
    export = SpanExport("http://127.0.0.1:9", "node-1", bound=10)  # never started: nothing leaves the queue
    for _ in range(5):
        export.take([make_finished(traceparent=OURS)] * 4)
    assert export.background.dropped == 12


def test_what_was_said_weighs_in_the_queue_and_is_forgotten_once_it_left(make_finished: Make, collector: Any) -> None:
    stuck = SpanExport("http://127.0.0.1:9", "node-1", bound=40)  # never started
    for _ in range(3):
        one = make_finished(traceparent=OURS)
        one.content = (b"x" * 65_536, b"y" * 65_536)
        stuck.take([one])
    assert (stuck.background.weight, stuck.background.dropped) == (34, 1)
    export = SpanExport(collector.url, "node-1")
    export.start()
    export.take([one])
    export.close()
    assert (len(collector.spans()), one.content) == (1, None)


def test_an_mcp_call_whose_answer_is_an_error_has_failed(make_finished: Make, make_attempt: MakeAttempt) -> None:
    one = {"gate": "mcp", "rpc": "tools/call", "part": "files__read", "traceparent": OURS}
    server, client = spans_of(make_finished(**one, attempts=(make_attempt(error_class="tool_error"),)))
    assert (server.attributes["error.type"], server.failed) == ("tool_error", True)
    assert (client.attributes["error.type"], client.failed) == ("tool_error", True)
    (refused,) = spans_of(make_finished(**one, outcome="refused", refusal="tool_not_found", status=200))
    assert (refused.attributes["error.type"], refused.failed) == ("tool_not_found", False)
