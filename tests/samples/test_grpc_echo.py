"""The gRPC sample: all four kinds of calls without generated code, in a process of its own."""

import json
import subprocess
import sys

import grpc

from triplegate.samples.grpc_echo import INITIAL, SERVICE, TRAILING, main
from triplegate.samples.start import start_grpc


def test_it_answers_all_four_kinds_and_tells_what_it_saw() -> None:
    with start_grpc() as running, grpc.insecure_channel(f"127.0.0.1:{running.ports['grpc']}") as channel:
        metadata = ((INITIAL, "a"), (TRAILING, b"\x01"))
        answer, call = channel.unary_unary(f"/{SERVICE}/Echo").with_call(b"hi", metadata=metadata, timeout=5)
        assert answer == b"hi"
        assert tuple(call.initial_metadata()) == ((INITIAL, "a"),)
        assert tuple(call.trailing_metadata()) == ((TRAILING, b"\x01"),)
        assert list(channel.unary_stream(f"/{SERVICE}/Count")(b"2", timeout=5)) == [b"1", b"2"]
        assert channel.stream_unary(f"/{SERVICE}/Collect")(iter([b"ab", b"c"]), timeout=5) == b"2 3"
        assert list(channel.stream_stream(f"/{SERVICE}/Chat")(iter([b"x"]), timeout=5)) == [b"x"]
        assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=5) == b"\x08\x01"
        seen = json.loads(channel.unary_unary(f"/{SERVICE}/Seen")(b"", metadata=(("x-a", "1"),), timeout=5))
        assert ["x-a", "1"] in seen["metadata"]
        state = json.loads(channel.unary_unary(f"/{SERVICE}/State")(b"", timeout=5))
        assert state["ended"]["Collect"] == 1
        assert channel.unary_stream(f"/{SERVICE}/Wait")(b"", timeout=0.2).code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_port_that_is_taken_is_an_error() -> None:
    with start_grpc() as running:
        assert main(["--port", str(running.ports["grpc"])]) == 1


def test_the_other_samples_load_no_grpc() -> None:
    code = "import triplegate.samples.child, sys; print('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
