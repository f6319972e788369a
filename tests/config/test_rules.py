"""What documents may not say together, and what is warned of."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from tests.config.policies import REGISTRY

from triplegate.config.load import ConfigError, load
from triplegate.core.admission import Claim
from triplegate.core.catalog import Target
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Registry, Stage
from triplegate.policies import built_in

BASE = "services: {s: {endpoints: [http://h:1]}}\n"
OPEN = "llm: {identity: none, policies: []}\nmcp: {identity: none, policies: []}\n"


class Count(Policy):
    """Counts."""

    use: Literal["count"] = "count"
    stage: ClassVar = Stage.ADMIT
    calls: int

    def claims(self, exchange: Exchange, target: Target | None) -> Iterable[Claim]:
        return ()


REGISTRY_OF_ALL = Registry(built_in())
COUNTED = Registry([Count, *REGISTRY.policies.values()])


def outcome(directory: Path, text: str) -> tuple[list[str], list[str]]:
    """(faults, warnings)."""
    (directory / "triplegate.yaml").write_text(text)
    try:
        loaded = load(directory, REGISTRY, environment={})
    except ConfigError as error:
        return [fault.message for fault in error.faults], []
    return [], [str(warning) for warning in loaded.warnings]


@pytest.mark.parametrize(
    "text",
    [
        "gateway: {policies: [{use: key_auth}]}\nroutes: {r: {service: s, match: {path: /r}}}\n",
        "routes: {r: {service: s, match: {path: /r}, policies: [{use: key_auth}]}}\n",
        "routes: {r: {service: s, match: {path: /r}, identity: none}}\n",
        "policies: {c: [{use: key_auth}]}\nroutes: {r: {service: s, match: {path: /r}, policies: [c]}}\n",
    ],
)
def test_identity_may_stand_on_route_or_gateway_or_be_waived(tmp_path: Path, text: str) -> None:
    assert outcome(tmp_path, BASE + text) == ([], [])


def test_identity_on_one_gate_does_not_count_for_another(tmp_path: Path) -> None:
    faults, _ = outcome(
        tmp_path, BASE + "routes: {r: {service: s, match: {path: /r}}}\nllm: {policies: [{use: key_auth}]}\n"
    )
    assert [fault.split(":")[0] for fault in faults] == ["route 'r' lets anyone in"]


def test_the_gateways_identity_serves_all_gates(tmp_path: Path) -> None:
    text = "gateway: {policies: [{use: key_auth}]}\nllm: {policies: []}\nmcp: {policies: []}\n"
    assert outcome(tmp_path, text) == ([], [])


def test_written_order_that_is_not_run_order_is_warned_of(tmp_path: Path) -> None:
    text = "gateway:\n  policies:\n    - {use: rate_limit, requests: 1}\n    - {use: key_auth}\n"
    _, warnings = outcome(tmp_path, text)
    assert warnings == ["triplegate.yaml:4:7 'key_auth' runs before 'rate_limit', which is written first (IDENTIFY)"]


def test_a_policy_of_one_gate_may_stand_where_all_meet(tmp_path: Path) -> None:
    text = (
        "plans: {p: {policies: [{use: only_llm}]}}\norgs: {o: {teams: {t: {plan: p, policies: [{use: only_llm}]}}}}\n"
    )
    assert outcome(tmp_path, text) == ([], [])


def routes(**matches: str) -> str:
    lines = [f"  {name}: {{service: s, identity: none, match: {match}}}" for name, match in matches.items()]
    return BASE + "routes:\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("one", "two", "warning"),
    [
        ("{path: /a, methods: [GET]}", "{path: /a, methods: [GET, PUT]}", "route 'two' loses GET to 'one'"),
        (
            "{path: /a, methods: [GET, PUT]}",
            "{path: /a, methods: [GET]}",
            "route 'two' loses GET to 'one'; it never",
        ),
    ],
)
def test_routes_that_overlap_are_warned_of(tmp_path: Path, one: str, two: str, warning: str) -> None:
    _, warnings = outcome(tmp_path, routes(one=one, two=two))
    assert len(warnings) == 1
    assert warning in warnings[0]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("{path: /a}", "{path: /a/b}"),
        ("{path: /a}", "{path: /a, type: exact}"),
        ("{path: /a}", "{path: /a, methods: [GET]}"),
        ("{path: /a, methods: [GET]}", "{path: /a, methods: [PUT]}"),
        ("{path: /a}", "{path: /a, host: h}"),
        ("{path: /a}", "{path: /a, headers: {x: '1'}}"),
    ],
)
def test_a_more_precise_route_is_no_clash(tmp_path: Path, one: str, two: str) -> None:
    assert outcome(tmp_path, routes(one=one, two=two)) == ([], [])


@pytest.mark.parametrize(
    ("match", "gate"),
    [
        ("{path: /v1}", "llm"),
        ("{path: /v1/models, type: exact}", "llm"),
        ("{path: /v1/chat}", "llm"),
        ("{path: /mcp}", "mcp"),
        ("{path: /mcp/dev}", "mcp"),
    ],
)
def test_a_route_under_a_gates_path_is_warned_of(tmp_path: Path, match: str, gate: str) -> None:
    _, warnings = outcome(tmp_path, routes(r=match))
    assert len(warnings) == 1
    assert f"the {gate} gate answers there" in warnings[0]


@pytest.mark.parametrize(
    "match", ["{path: /}", "{path: /v1/orders}", "{path: /v2}", "{path: /mcpx}", "{path: /v1, type: exact}"]
)
def test_a_route_beside_the_gates_paths_is_not(tmp_path: Path, match: str) -> None:
    assert outcome(tmp_path, routes(r=match)) == ([], [])


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key", "Cookie", "api-key"])
def test_a_secret_in_a_fixed_header_must_be_a_reference(tmp_path: Path, header: str) -> None:
    faults, _ = outcome(tmp_path, f"servers: {{s: {{url: 'http://h/mcp', headers: {{{header}: CANARY}}}}}}\n")
    assert faults == [f"{header.lower()}: refer to the secret by env:NAME or file:/path"]
    assert outcome(tmp_path, f"servers: {{s: {{url: 'http://h/mcp', headers: {{{header}: 'env:X'}}}}}}\n") == ([], [])


def test_one_name_is_one_allowance(tmp_path: Path) -> None:
    text = """gateway: {{policies: [{{use: count, name: x, calls: 1}}]}}
plans: {{p: {{policies: [{{use: count, name: x, calls: {}}}]}}}}
"""
    (tmp_path / "triplegate.yaml").write_text(text.format(2) + OPEN)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, COUNTED, environment={})
    place = "triplegate.yaml:1:22"
    assert [fault.message for fault in caught.value.faults] == [
        f"'x' names another count at {place}: one name, one allowance"
    ]
    (tmp_path / "triplegate.yaml").write_text(text.format(1) + OPEN)
    assert load(tmp_path, COUNTED, environment={}).warnings == ()


def test_a_key_that_a_provider_does_not_take_is_refused(tmp_path: Path) -> None:
    text = """providers: {p: {base_url: "http://h:1/v1", auth: null}}
models: {m: {deployments: [{provider: p, model: x, key: env:K}]}}
"""
    faults, _ = outcome(tmp_path, text + OPEN)
    assert faults == ["provider 'p' takes no credential (auth: null): the key would not be sent"]


@pytest.mark.parametrize(("protocol", "warned"), [("grpc", True), ("http", False)])
def test_a_host_that_native_grpc_clients_cannot_fit_is_warned_of(tmp_path: Path, protocol: str, warned: bool) -> None:
    text = f"""services: {{s: {{endpoints: [http://h:1], protocol: {protocol}}}}}
routes: {{r: {{service: s, match: [{{path: /a.B}}, {{host: a.test, path: /a.B}}], identity: none}}}}
"""
    _, warnings = outcome(tmp_path, text)
    assert [("gRPC-web calls only" in one) for one in warnings] == ([True] if warned else [])


@pytest.mark.parametrize(
    ("audience", "oauth", "faults", "warnings"),
    [("resource", True, 0, 0), ("resource", False, 1, 0), ("mine", True, 0, 1), ("mine", False, 0, 0)],
)
def test_tokens_for_endpoints_are_told_of_and_checked(
    tmp_path: Path, audience: str, oauth: bool, faults: int, warnings: int
) -> None:
    told = '  oauth: {url: "https://mcp.example.com", authorization_servers: ["https://login.example.com"]}\n'
    policy = f"{{use: jwt, issuer: 'https://login.example.com', audience: {audience}, keys: 'env:JWKS'}}"
    text = f"llm: {{identity: none, policies: []}}\nmcp:\n{told if oauth else ''}  policies: [{policy}]\n"
    (tmp_path / "triplegate.yaml").write_text(text)
    try:
        loaded = load(tmp_path, REGISTRY_OF_ALL, environment={"JWKS": "{}"})
        found: tuple[int, int] = (0, len([one for one in loaded.warnings if "tokens" in str(one)]))
    except ConfigError as error:
        found = (len([one for one in error.faults if "mcp.oauth" in one.message]), 0)
    assert found == (faults, warnings)


WEBHOOK = "guards: [{kind: webhook, url: 'http://127.0.0.1:1/x'}]"
GUARDS = {
    f"use: external_guard, {WEBHOOK}": ("only on llm", "does not hold on mcp"),
    "use: guardrail, on: [output], json_schema: {type: object}": ("only on llm", "does not hold on mcp"),
    "use: guardrail, languages: [en]": ("only on llm", "does not hold on mcp"),
    "use: guardrail, topics: {deny: [{name: t, examples: [one two]}]}": ("only on llm", "does not hold on mcp"),
    "use: guardrail, languages: [en], pii: [card]": ("only on llm", "holds on mcp in part only"),
}


@pytest.mark.parametrize("guard", GUARDS)
def test_guards_of_models_are_refused_by_name_for_tools_and_warned_of_where_they_stand_for_both(
    tmp_path: Path, guard: str
) -> None:
    def said(gateway: str, plan: str, server: str) -> tuple[list[str], list[str]]:
        text = f"""mcp: {{identity: none, policies: [{gateway}]}}
servers: {{s: {{url: "http://h:1/mcp", policies: [{server}]}}}}
plans: {{p: {{policies: [{plan}]}}}}
orgs: {{acme: {{teams: {{web: {{plan: p, consumers: {{ci: {{}}}}}}}}}}}}
"""
        (tmp_path / "triplegate.yaml").write_text(text)
        try:
            loaded = load(tmp_path, REGISTRY_OF_ALL, environment={})
        except ConfigError as error:
            return [fault.message for fault in error.faults], []
        return [], [str(one) for one in loaded.warnings if "on mcp" in str(one)]

    one = f"{{{guard}}}"
    reason, holds = GUARDS[guard]
    for written in ((one, "", ""), ("", "", one)):
        (fault,), _ = said(*written)
        assert f"{guard[5:].partition(',')[0]}' makes no sense on mcp" in fault
        assert fault.endswith(reason)
    faults, (warning,) = said("", one, "")
    assert not faults
    assert f"' {holds}: " in warning
