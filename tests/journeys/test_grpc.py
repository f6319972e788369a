"""gRPC and gRPC-web through the real gateway: grpcio's own client and server at both ends."""

import base64
import json
import shutil
import signal
import subprocess
import threading
import time
from functools import partial
from pathlib import Path

import grpc
import httpx
import pytest
from tests.journeys.running import House, eventually, free_port, records, write

from triplegate.samples.grpc_echo import INITIAL, SERVICE, TRAILING
from triplegate.samples.start import start_grpc
from triplegate.wire.grpcweb import Decoder, frame

CONFIGURATION = """
limits: {{body: 6MB}}
services:
  echo: {{endpoints: ["http://127.0.0.1:{echo}"], protocol: grpc, grpc: {{max_message: 6MB}}}}
  hasty: {{endpoints: ["http://127.0.0.1:{echo}"], protocol: grpc, timeouts: {{idle: 400ms}}}}
  down: {{endpoints: ["http://127.0.0.1:{closed}"], protocol: grpc}}
  partly: {{endpoints: ["http://127.0.0.1:{closed}", "http://127.0.0.1:{echo}"], protocol: grpc}}
  web: {{endpoints: ["http://127.0.0.1:{echo}"]}}
routes:
  echo:
    service: echo
    match: {{grpc: {{service: {service}}}}}
    owner: web
    records: each
    policies: [{{use: key_auth}}]
  open:
    service: echo
    match: {{grpc: {{service: {service}, method: Echo}}, headers: {{x-open: "1"}}}}
    owner: web
    identity: none
  health: {{service: echo, match: {{grpc: {{service: grpc.health.v1.Health}}}}, identity: none, owner: web}}
  hasty: {{service: hasty, match: {{path: /{service}, headers: {{x-route: hasty}}}}, policies: [{{use: key_auth}}]}}
  down: {{service: down, match: {{path: /{service}, headers: {{x-route: down}}}}, policies: [{{use: key_auth}}]}}
  partly: {{service: partly, match: {{path: /{service}, headers: {{x-route: partly}}}}, policies: [{{use: key_auth}}]}}
  plain: {{service: web, match: {{path: /plain.Http}}, policies: [{{use: key_auth}}]}}
  limited:
    service: echo
    match: {{grpc: {{service: {service}, method: Seen}}, headers: {{x-route: limited}}}}
    policies: [{{use: key_auth}}, {{use: rate_limit, requests: 1, window: 1h}}]
  roles:
    service: echo
    match: {{path: /{service}, headers: {{x-route: roles}}}}
    policies: [{{use: key_auth}}, {{use: access, roles: [admin]}}]
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
WITHIN = 10


class Api:
    """The gateway, the echo behind it, and a client of each."""

    def __init__(self, house, port, upstream):
        self.house, self.port = house, port
        self.key = house.key()
        self.auth = (("authorization", f"Bearer {self.key}"),)
        options = [("grpc.max_receive_message_length", -1)]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options)
        self.http = httpx.Client(trust_env=False, timeout=WITHIN)
        self.direct = grpc.insecure_channel(f"127.0.0.1:{upstream}")

    def unary(self, method, message=b"", *, metadata=(), service=SERVICE, auth=True, timeout=WITHIN):
        stub = self.channel.unary_unary(f"/{service}/{method}")
        return stub.with_call(message, metadata=(*(self.auth if auth else ()), *metadata), timeout=timeout)

    def refused(self, method, message=b"", **more):
        with pytest.raises(grpc.RpcError) as failed:
            self.unary(method, message, **more)
        return failed.value

    def stub(self, kind, method, message, *, metadata=(), timeout=WITHIN):
        stub = getattr(self.channel, kind)(f"/{SERVICE}/{method}")
        return stub(message, metadata=(*self.auth, *metadata), timeout=timeout)

    def state(self, of, method):
        answer = self.direct.unary_unary(f"/{SERVICE}/State")(b"", timeout=WITHIN)
        return json.loads(answer)[of].get(method, 0)

    def web(self, method, message=b"", *, text=False, service=SERVICE, auth=True, headers=(), content=None, **more):
        body = frame(message) if content is None else content
        fields = {"content-type": "application/grpc-web" + ("-text" if text else "+proto"), **dict(headers)}
        if auth:
            fields["authorization"] = f"Bearer {self.key}"
        body = base64.b64encode(body) if text else body
        return self.http.stream("POST", f"{self.house.url}/{service}/{method}", content=body, headers=fields, **more)

    def asked(self, method, message=b"", **more):
        """Head, messages and trailers of a whole gRPC-web call."""
        with self.web(method, message, **more) as answer:
            assert answer.status_code == 200
            text = "web-text" in answer.headers["content-type"]
            frames = [
                one
                for piece in answer.iter_raw()
                for one in answer.extensions.setdefault("d", Decoder(text=text, limit=1 << 24)).feed(piece)
            ]
        return answer.headers, [content for flag, content in frames if not flag], trailers_of(frames)


def trailers_of(frames):
    lines = frames[-1][1].decode().splitlines() if frames and frames[-1][0] == 0x80 else []
    return dict(line.split(": ", 1) for line in lines)


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("grpc"), free_port()
    with start_grpc() as echo:
        upstream = echo.ports["grpc"]
        write(folder, CONFIGURATION.format(echo=upstream, closed=free_port(), service=SERVICE))
        with House(folder, TRIPLEGATE_GRPC_PORT=str(port)) as house:
            made = Api(house, port, upstream)
            yield made
            made.channel.close()
            made.http.close()
            made.direct.close()


# the four kinds ---------------------------------------------------------------------------------------------------
def test_all_four_kinds_of_calls_pass(api):
    answer, call = api.unary("Echo", b"hello")
    assert (answer, call.code()) == (b"hello", grpc.StatusCode.OK)
    assert list(api.stub("unary_stream", "Count", b"3")) == [b"1", b"2", b"3"]
    assert api.stub("stream_unary", "Collect", iter([b"12", b"345"])) == b"2 5"
    assert list(api.stub("stream_stream", "Chat", iter([b"a", b"", b"c"]))) == [b"a", b"", b"c"]


def test_messages_pass_one_by_one_in_both_directions(api):
    said = threading.Semaphore(0)

    def ask():
        for number in range(5):
            said.acquire()
            yield b"%d" % number

    answers = api.stub("stream_stream", "Chat", ask())
    for number in range(5):  # the next one is asked only after the last was answered
        said.release()
        assert next(answers) == b"%d" % number
    said.release()
    assert list(answers) == []


def test_metadata_passes_in_both_directions(api):
    sent = (
        (INITIAL, "first"),
        (TRAILING, b"\x00\xff"),
        ("x-own", "1"),
        ("x-own", "2"),
        ("user_id", "7"),
        ("x-b-bin", b"\xfe"),
    )
    _, call = api.unary("Echo", metadata=sent)
    assert dict(call.initial_metadata())[INITIAL] == "first"
    assert dict(call.trailing_metadata())[TRAILING] == b"\x00\xff"
    assert dict(call.initial_metadata())["x-request-id"]
    seen = json.loads(api.unary("Seen", metadata=(*sent, ("x-request-id", "mine-1")))[0])["metadata"]
    assert [value for key, value in seen if key == "x-own"] == ["1", "2"]
    seen = dict(seen)
    assert (seen["user_id"], seen["x-b-bin"], seen["x-request-id"]) == ("7", "fe", "mine-1")
    assert (seen["x-forwarded-for"], seen["via"]) == ("127.0.0.1", "2 triplegate")
    assert len(seen["traceparent"].split("-")) == 4
    assert api.key not in json.dumps(seen)


def test_a_status_passes_with_its_message_and_details(api):
    asked = (("x-status", "9"), ("x-message", "not now: 100%"), ("x-details-bin", b"\x08\x09"))
    failed = api.refused("Fail", metadata=asked)
    assert (failed.code(), failed.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "not now: 100%")
    assert dict(failed.trailing_metadata())["grpc-status-details-bin"] == b"\x08\x09"
    answers, got = api.stub("unary_stream", "Fail", b"", metadata=(("x-messages", "2"), ("x-status", "15"))), []
    with pytest.raises(grpc.RpcError) as failed:
        got.extend(answers)
    assert failed.value.code() is grpc.StatusCode.DATA_LOSS


def test_the_upstreams_status_is_the_one_that_is_told_however_early_it_comes(api):
    """grpc.aio loses it in some of such calls: the upstream refuses while the request is still being written."""
    told = set()
    stub = api.channel.unary_unary(f"/{SERVICE}/Nothing")
    late = api.channel.unary_stream(f"/{SERVICE}/Fail")
    metadata = (*api.auth, ("x-messages", "2"), ("x-status", "15"))
    for _ in range(150):
        with pytest.raises(grpc.RpcError) as failed:
            stub(b"x" * 2000, metadata=api.auth, timeout=WITHIN)
        told.add((failed.value.code(), failed.value.details()))
        with pytest.raises(grpc.RpcError) as failed:
            list(late(b"", metadata=metadata, timeout=WITHIN))
        told.add((failed.value.code(), failed.value.details()))
    unimplemented = (grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
    assert told == {unimplemented, (grpc.StatusCode.DATA_LOSS, "failed as asked")}


# deadlines, cancellation, sizes -----------------------------------------------------------------------------------
def test_a_deadline_is_handed_on_reduced(api):
    left = json.loads(api.unary("Seen", timeout=5)[0])["left"]
    assert 2 < left < 5  # gRPC itself rounds up
    assert json.loads(api.unary("Seen", timeout=None)[0])["left"] < 601  # ours


def test_a_deadline_ends_the_call_on_both_sides(api):
    before, cancelled = api.state("active", "Wait"), api.state("cancelled", "Wait")
    begun = time.monotonic()
    assert api.refused("Wait", timeout=0.4).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - begun < 5
    eventually(lambda: api.state("active", "Wait") == before and api.state("cancelled", "Wait") == cancelled + 1)
    eventually(lambda: records_of(api, "status = 504 AND outcome = 'failed'"))


def records_of(api, where):
    api.house.usage("route")
    return records(api.house.directory, where)


@pytest.mark.parametrize("kind", ["unary_unary", "unary_stream", "stream_unary", "stream_stream"])
def test_a_client_that_leaves_cancels_the_upstream(api, kind):
    method = {"unary_unary": "Wait", "unary_stream": "Wait", "stream_unary": "Collect", "stream_stream": "Chat"}[kind]
    active, cancelled, ended = (api.state(of, method) for of in ("active", "cancelled", "ended"))
    stop = threading.Event()

    def ask():
        yield b"one"
        stop.wait(WITHIN)

    message = ask() if kind.startswith("stream") else b""
    stub = getattr(api.channel, kind)(f"/{SERVICE}/{method}")
    metadata = (*api.auth, ("x-request-id", f"left-{kind}"))
    call = stub.future(message, metadata=metadata) if kind.endswith("unary") else stub(message, metadata=metadata)
    eventually(lambda: api.state("active", method) == active + 1)
    left = time.monotonic()
    call.cancel()
    eventually(lambda: api.state("active", method) == active, every=0.005)
    assert time.monotonic() - left < 2  # 5 ms on a quiet machine
    stop.set()
    assert api.state("cancelled", method) == cancelled + 1
    assert api.state("ended", method) == ended  # half a call was never taken for a whole one
    row = eventually(lambda: records_of(api, "outcome = 'gone' ORDER BY started"))[-1]
    assert row["status"] == 499


def test_many_clients_that_leave_leave_nothing_behind(api):
    before = api.house.metrics()
    leave(api, 50)
    settled(api, before)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_thousand_cancelled_calls_of_each_kind_leave_nothing_behind(api):
    before = api.house.metrics()
    leave(api, 1000)
    settled(api, before)


def leave(api, times):
    """Calls of each kind that are cancelled when they are under way: each has one record of its own."""
    known = {row["exchange"] for row in records_of(api, "route = 'echo'")}
    for kind, method in (
        ("unary_stream", "Wait"),
        ("stream_stream", "Chat"),
        ("stream_unary", "Collect"),
        ("unary_unary", "Wait"),
    ):
        for _ in range(0, times, 50):
            leave_at_once(api, kind, method, 50)
        fresh = eventually(partial(new, api, set(known), times), 30)
        assert len(fresh) == len({row["exchange"] for row in fresh}) == times, kind
        assert {(row["outcome"], row["status"], row["kind"]) for row in fresh} == {("gone", 499, "final")}, kind
        known |= {row["exchange"] for row in fresh}


def new(api, known, least):
    fresh = [row for row in records_of(api, "route = 'echo'") if row["exchange"] not in known]
    return fresh if len(fresh) >= least else None


def leave_at_once(api, kind, method, count):
    stub, stop = getattr(api.channel, kind)(f"/{SERVICE}/{method}"), threading.Event()
    active = api.state("active", method)

    def ask():
        yield b"one"
        stop.wait(WITHIN)

    begin = stub.future if kind.endswith("unary") else stub
    calls = [begin(ask() if kind.startswith("stream") else b"", metadata=api.auth) for _ in range(count)]
    if kind.endswith("stream"):
        for call in calls:
            next(call)
    eventually(lambda: api.state("active", method) == active + count)
    for call in calls:
        call.cancel()
    stop.set()
    eventually(lambda: api.state("active", method) == active)


def settled(api, before):
    eventually(lambda: not any(api.state("active", method) for method in ("Wait", "Chat", "Collect")), 30)
    active = [one for one in before if "active" in one and "api" in one]
    eventually(lambda: all(not api.house.metrics()[one] for one in active), 30)


def test_a_message_within_the_limit_passes_and_one_above_is_refused(api):
    large = bytes(5_000_000)
    assert api.unary("Echo", large, timeout=30)[0] == large
    assert api.refused("Echo", bytes(7_000_000), timeout=30).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_large_streams_pass_without_being_held(api):
    piece = bytes(1 << 20)
    api.stub("stream_unary", "Collect", iter([piece] * 4), timeout=60)
    before = resident(api)
    assert api.stub("stream_unary", "Collect", iter([piece] * 150), timeout=60) == b"150 %d" % (150 << 20)
    answers = api.stub("stream_stream", "Chat", iter([piece] * 150), timeout=60)
    assert sum(map(len, answers)) == 150 << 20
    assert resident(api) - before < 100


def resident(api):
    status = Path(f"/proc/{api.house.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) >> 10


def test_an_upstream_that_says_nothing_for_too_long_is_given_up(api):
    failed = api.refused("Wait", metadata=(("x-route", "hasty"),))
    assert failed.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert failed.details() == "The upstream did not answer in time."


def test_whoever_may_no_longer_be_here_is_told_by_a_status_and_nobody_else_notices(api):
    key, active = api.house.key(), api.state("active", "Count")
    ticks = (("x-interval", "0.05"),)
    stays = api.stub("unary_stream", "Count", b"0", metadata=ticks)
    goes = api.channel.unary_stream(f"/{SERVICE}/Count")(
        b"0", metadata=(("authorization", f"Bearer {key}"), *ticks), timeout=WITHIN
    )
    assert (next(stays), next(goes)) == (b"1", b"1")
    assert api.house.admin("DELETE", f"/keys/{key.split('_')[2]}").status_code < 300
    with pytest.raises(grpc.RpcError) as ended:
        list(goes)
    assert (ended.value.code(), ended.value.details()) == (grpc.StatusCode.UNAUTHENTICATED, "The key is not valid.")
    next(stays)
    eventually(lambda: api.state("active", "Count") == active + 1)
    stays.cancel()
    (row,) = eventually(lambda: records_of(api, "refusal = 'invalid_credentials' AND bytes_out > 0"))
    assert (row["outcome"], row["status"], row["kind"]) == ("refused", 401, "final")


# refusals ---------------------------------------------------------------------------------------------------------
def test_refusals_are_told_as_statuses(api):
    code = grpc.StatusCode
    assert api.refused("Echo", auth=False).code() is code.UNAUTHENTICATED
    assert api.refused("Echo", auth=False, metadata=(("x-api-key", "tg_no"),)).code() is code.UNAUTHENTICATED
    assert api.unary("Echo", b"1", auth=False, metadata=(("x-api-key", api.key),))[0] == b"1"
    assert api.unary("Echo", b"1", auth=False, metadata=(("x-open", "1"),))[0] == b"1"
    assert api.refused("Echo", metadata=(("x-route", "roles"),)).code() is code.PERMISSION_DENIED
    assert api.refused("Echo", service="no.Such").code() is code.UNIMPLEMENTED
    assert api.refused("Get", service="plain.Http").code() is code.UNIMPLEMENTED
    down = api.refused("Echo", metadata=(("x-route", "down"),))
    assert (down.code(), down.details()) == (code.UNAVAILABLE, "The upstream cannot be reached.")


def test_a_spent_limit_says_how_long_to_wait(api):
    assert api.unary("Seen", metadata=(("x-route", "limited"),))[0]
    spent = api.refused("Seen", metadata=(("x-route", "limited"),))
    assert spent.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    told = dict(spent.trailing_metadata())
    assert int(told["retry-after"]) > 1000
    assert "r=0" in told["ratelimit"]


def test_another_endpoint_answers_when_one_is_down(api):
    for _ in range(4):
        assert api.unary("Echo", b"1", metadata=(("x-route", "partly"),))[0] == b"1"


def test_the_health_of_the_upstream_is_asked_through_a_route(api):
    assert api.unary("Check", service="grpc.health.v1.Health", auth=False)[0] == b"\x08\x01"


def test_each_call_is_one_record(api):
    api.house.usage("route")
    before = len(records(api.house.directory, "route = 'echo'"))
    api.unary("Echo", b"hello")
    api.refused("Fail", metadata=(("x-status", "5"),))
    api.refused("Fail", metadata=(("x-status", "14"),))
    query = "route = 'echo' ORDER BY started"
    eventually(lambda: len(records_of(api, query)) >= before + 3)
    rows = records_of(api, query)[before:]
    assert [(row["status"], row["outcome"]) for row in rows] == [(200, "ok"), (404, "ok"), (503, "failed")]
    assert (rows[0]["bytes_in"], rows[0]["bytes_out"], rows[0]["consumer"], rows[0]["listener"]) == (5, 5, "ci", "grpc")


# gRPC-web ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", [False, True])
def test_a_web_client_calls_in_both_forms(api, text):
    sent = {INITIAL: "first", TRAILING: "AP8", "x-user-agent": "grpc-web-javascript/0.1"}
    head, messages, trailers = api.asked("Echo", b"hello", text=text, headers=sent)
    assert head["content-type"] == ("application/grpc-web-text+proto" if text else "application/grpc-web+proto")
    assert head[INITIAL] == "first"
    assert (messages, trailers) == ([b"hello"], {"grpc-status": "0", TRAILING: "AP8"})


def test_a_web_client_gets_messages_as_they_come(api):
    decoder, seen, times = Decoder(text=True, limit=1 << 20), [], []
    with api.web("Count", b"3", text=True, headers={"x-interval": "0.3"}) as answer:
        for piece in answer.iter_raw():
            for _, content in decoder.feed(piece):
                seen.append(content)
                times.append(time.monotonic())
    assert seen[:3] == [b"1", b"2", b"3"]
    assert times[2] - times[0] > 0.3


def test_a_web_clients_errors_are_http_200(api):
    _, messages, trailers = api.asked("Fail", headers={"x-status": "5", "x-messages": "2", "x-details-bin": "CAk"})
    assert (messages, trailers["grpc-status"], trailers["grpc-message"]) == ([b"0", b"1"], "5", "failed as asked")
    assert trailers["grpc-status-details-bin"] == "CAk"
    head, messages, _ = api.asked("Echo", auth=False)
    assert (head["grpc-status"], messages) == ("16", [])
    assert api.asked("Echo", service="no.Such")[0]["grpc-status"] == "12"
    assert api.asked("Echo", content=frame(b"1") + frame(b"2"))[0]["grpc-status"] == "3"
    assert api.asked("Echo", content=b"\x00\x00\x00\x00\x05he")[0]["grpc-status"] == "3"
    assert api.asked("Wait", headers={"x-route": "hasty"})[2]["grpc-status"] == "4"
    assert api.asked("Echo", headers={"x-route": "down"})[0]["grpc-status"] == "14"


def test_a_web_clients_timeout_ends_the_call(api):
    _, messages, trailers = api.asked("Wait", headers={"grpc-timeout": "300m"})
    assert (messages, trailers["grpc-status"]) == ([b"waiting"], "4")


def test_a_web_client_that_leaves_cancels_the_upstream(api):
    before, cancelled = api.state("active", "Count"), api.state("cancelled", "Count")
    with api.web("Count", b"0", headers={"x-interval": "0.05"}) as answer:
        next(answer.iter_raw())
        assert api.state("active", "Count") == before + 1
    eventually(lambda: api.state("active", "Count") == before and api.state("cancelled", "Count") == cancelled + 1)


def test_what_is_not_grpc_web_is_told_so(api):
    url = f"{api.house.url}/{SERVICE}/Echo"
    fields = {"authorization": f"Bearer {api.key}"}
    assert httpx.post(url, json={}, headers=fields, trust_env=False).status_code == 415
    wrong = httpx.get(url, headers=fields, trust_env=False)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not here")
def test_googles_own_web_client_is_content(api, tmp_path):
    install = ["npm", "install", "--no-audit", "--no-fund", "grpc-web@2.1.1", "xhr2@0.2.1"]
    installed = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    if installed.returncode:
        pytest.skip(f"npm cannot install: {installed.stderr[-200:]}")
    script = shutil.copy(Path(__file__).with_name("grpc_web_client.js"), tmp_path)
    command = ["node", script, api.house.url, api.key]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    for form in ("text", "binary"):
        assert said[form] == "hello"
        assert said[f"{form} fails"] == [5, "failed as asked"]
        assert said[f"{form} refused"] == 16
    assert said["stream"] == ["1", "2", "3"]


# the listener -----------------------------------------------------------------------------------------------------
def test_the_listener_opens_with_the_first_route_and_drains_at_the_end(tmp_path):
    port = free_port()
    plain = "orgs: {acme: {teams: {web: {}}}}\n"
    with start_grpc() as echo:
        route = f"""services: {{e: {{endpoints: ["http://127.0.0.1:{echo.ports["grpc"]}"], protocol: grpc}}}}
routes: {{e: {{service: e, match: {{path: /}}, identity: none, owner: web}}}}
"""
        write(tmp_path, plain)
        with House(tmp_path, TRIPLEGATE_GRPC_PORT=str(port)) as house:
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"http://127.0.0.1:{port}", trust_env=False)
            write(tmp_path, plain + route)
            house.wait_for(lambda line: line.startswith("grpc "))
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                answers = channel.unary_stream(f"/{SERVICE}/Count")(
                    b"30", metadata=(("x-interval", "0.02"),), timeout=30
                )
                assert next(answers) == b"1"
                house.process.send_signal(signal.SIGTERM)
                assert len(list(answers)) == 29  # what is under way may end
                assert house.process.wait(20) == 0


def test_several_workers_share_the_listener_also_one_that_a_reload_opens(tmp_path):
    port = free_port()
    plain = "workers: 2\nallow_local_limits: true\norgs: {acme: {teams: {web: {}}}}\n"
    with start_grpc() as echo:
        route = f"""services: {{e: {{endpoints: ["http://127.0.0.1:{echo.ports["grpc"]}"], protocol: grpc}}}}
routes: {{e: {{service: e, match: {{path: /}}, identity: none, owner: web}}}}
"""
        write(tmp_path, plain)
        with House(tmp_path, TRIPLEGATE_GRPC_PORT=str(port)) as house:
            write(tmp_path, plain + route)
            for _ in range(2):  # each of them says so
                house.wait_for(lambda line: line.startswith("grpc "))
            for number in range(12):
                options = [("grpc.use_local_subchannel_pool", number)]  # a connection of its own
                with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
                    assert channel.unary_unary(f"/{SERVICE}/Echo")(b"1", timeout=WITHIN) == b"1"
