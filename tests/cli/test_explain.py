"""What would become of a request: the same chain as the gateway's, offline, with nothing sent and nothing taken."""

import json
import re

import pytest
from tests.gates.mcp.messages import modern
from tests.journeys.running import write

LIMITED = """
services: {orders: {endpoints: ["http://127.0.0.1:9"]}}
routes:
  orders:
    service: orders
    match: {path: /orders}
    owner: web
    policies: [{use: key_auth}, {use: rate_limit, requests: 2, window: 1h}]
orgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}
"""


def test_a_request_without_a_key_is_refused_and_the_policy_named(command, place):
    done = command("explain", "GET", "/orders")
    assert (done.status, done.err) == (1, "")
    assert re.search(r"^route +orders +triplegate\.yaml:\d+:\d+$", done.out, re.MULTILINE)
    assert re.search(r"^ +1 +route:orders/key_auth +pass +[\d.]+ ms$", done.out, re.MULTILINE)
    assert re.search(r"^-> 401 unauthenticated: Credentials are required", done.out, re.MULTILINE)


def test_with_a_key_it_would_be_sent_and_nothing_is(command, tmp_path):
    write(tmp_path, LIMITED)
    key = command("key", "create", "--org", "acme", "--team", "web", "--consumer", "ci").out.strip()
    for _ in range(3):  # more often than the limit allows: it is looked at only
        done = command("explain", "get", "http://shop.test/orders?page=2", "-H", f"Authorization: Bearer {key}")
        assert done.status == 0, done.out + done.err
        assert "caller    acme/web/ci by key" in done.out
        assert re.search(r"limit .*: 2 of 2 left", done.out)
        assert "nothing was sent" in done.out
    assert key not in done.out


def test_why_a_route_won_and_the_others_lost(command, tmp_path):
    write(
        tmp_path,
        LIMITED.replace(
            "routes:",
            """routes:
  rest: {service: orders, match: {name: all, path: /}, identity: none}
  put: {service: orders, match: {path: /orders, type: exact, methods: [PUT]}, identity: none}""",
        ),
    )
    told = command("explain", "GET", "/orders").out
    lines = [line.partition("match     ")[2] for line in told.splitlines() if line.startswith("match")]
    assert lines == [
        "won  orders * prefix /orders",
        "lost  rest (all) * prefix /: a less specific path",
        "missed  put * exact /orders PUT: method PUT",
    ]


def test_the_server_of_a_tool_is_named_with_its_breaker(command, tmp_path):
    servers = "servers: {files: {url: 'http://127.0.0.1:9/mcp', policies: [{use: breaker}]}}\n"
    write(tmp_path, LIMITED + "mcp: {identity: none, owner: web}\n" + servers)
    request = modern("tools/call", {"name": "files__read", "arguments": {}})
    lines = [word for name, value in request["headers"].items() for word in ("-H", f"{name}: {value}")]
    lines += ["-H", "content-type: application/json", "-H", "accept: application/json, text/event-stream"]
    told = command("explain", "POST", "/mcp", *lines, "-d", json.dumps(request["json"])).out
    assert "target    files: left alone for 5 s after 5 failures in a row" in told, told


def test_a_path_that_nothing_serves_is_a_404(command, place):
    done = command("explain", "GET", "/nothing")
    assert done.status == 1
    assert "route     none" in done.out
    assert "-> 404" in done.out


def test_what_the_edge_refuses_is_said(command, place):
    done = command("explain", "GET", "/orders/%2e%2e/secret")
    assert done.status == 1
    assert "REFUSED" in done.out


def test_while_a_gateway_runs_its_keys_are_known(reach, house):
    done = reach("explain", "GET", "/orders", "-H", f"Authorization: Bearer {house.key()}")
    assert done.status == 0, done.out + done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("GET", "ftp://host/x"), "'ftp://host/x' is not a URL: http://host/path\n"),
        (("GET", "/orders", "-H", "nonsense"), "'nonsense' is not a header: 'Name: value'\n"),
        (("GET", "http://[bad/x"), "'http://[bad/x' is not a URL: http://host/path\n"),
        (("GET", "/orders", "-H", "Näme: x"), None),
        (("GET", "/orders", "-H", "Name: \u4e16"), "'Name: \u4e16' is not a header: only Latin-1 can be sent\n"),
        (("GET", "/caf\u00e9"), None),
    ],
)
def test_what_is_no_request_is_wrong_usage_or_refused_by_the_edge(command, place, words, said):
    done = command("explain", *words)
    if said is None:
        assert done.status == 1
        assert "REFUSED" in done.out
    else:
        assert (done.status, done.out, done.err) == (2, "", said)


MODELS = """
providers: {p: {base_url: "http://127.0.0.1:9/v1", auth: null}}
models: {mine: {deployments: [{provider: p, model: x}]}}
llm: {identity: none, owner: web}
orgs: {acme: {teams: {web: {}}}}
"""


def test_a_body_says_which_model_is_meant(command, tmp_path):
    write(tmp_path, MODELS)
    url = "/v1/chat/completions"
    done = command("explain", "POST", url, "-d", '{"model": "mine", "messages": []}')
    assert done.status == 0, done.out + done.err
    assert "route     mine" in done.out
    assert command("explain", "POST", url, "--body", '{"model": "other", "messages": []}').status == 1


def test_a_models_deployments_are_told_with_what_they_are_judged_by(command, tmp_path):
    write(
        tmp_path,
        """
providers:
  p: {base_url: "http://127.0.0.1:9/v1", auth: null, models: {x: {input: 1, output: 2}, y: {input: 2, output: 4}}}
models:
  mine:
    deployments:
      - {provider: p, model: y}
      - {provider: p, model: x}
      - {provider: p, model: x, name: last, tier: 1}
    strategy: cost
    fallback: [spare]
  spare: {deployments: [{provider: p, model: y, name: spare}]}
llm: {identity: none, owner: web}
orgs: {acme: {teams: {web: {}}}}
""",
    )
    done = command(
        "explain", "POST", "/v1/chat/completions", "-d", '{"model": "mine", "messages": [], "max_tokens": 100}'
    )
    told = [line.partition("target    ")[2] for line in done.out.splitlines() if line.startswith("target")]
    assert told == [
        "mine: p/y  tier 0  0.000426 USD expected",
        "first  mine: p/x  tier 0  0.000213 USD expected",
        "mine: last  tier 1  0.000213 USD expected",
        "spare: spare  tier 0  weight 1",
    ], done.out + done.err
    assert done.out.splitlines()[-1] == "-> 200, from p/x unless it fails; nothing was sent"


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ('when: "tools > 0"', "-> 400 no_deployment: No deployment of the model takes such a call."),
        ("key: env:NOWHERE", "-> 502 upstream_credentials: no credential at env:NOWHERE"),
    ],
)
def test_where_no_deployment_can_be_called_it_is_told_what_the_caller_would_be(command, tmp_path, said, end):
    text = MODELS.replace("model: x}", f"model: x, {said}}}")
    write(tmp_path, text.replace("auth: null", "auth: {bearer: true}") if "key:" in said else text)
    done = command("explain", "POST", "/v1/chat/completions", "-d", '{"model": "mine", "messages": []}')
    assert (done.status, done.out.splitlines()[-1]) == (1, end), done.out + done.err
