"""What routes and their policies may not say together."""

from pathlib import Path

import pytest

from triplegate.config.faults import ConfigError
from triplegate.config.load import load
from triplegate.policies import registry

BASE = """services: {s: {endpoints: ["http://127.0.0.1:1"]}, t: {endpoints: ["http://127.0.0.1:2"]}}
gateway: {policies: [{use: key_auth}]}
"""


def outcome(directory: Path, text: str) -> tuple[list[str], list[str]]:
    """What is refused, and what is warned of; without places."""
    (directory / "triplegate.yaml").write_text(BASE + text)
    try:
        loaded = load(directory, registry(), environment={})
    except ConfigError as error:
        return [fault.message for fault in error.faults], []
    return [], [warning.message for warning in loaded.warnings]


def route(policies: str, services: str = "service: s", match: str = "{path: /r}") -> str:
    return f"routes: {{r: {{{services}, match: {match}, policies: [{policies}]}}}}\n"


REDIRECT, REWRITE = "{use: redirect, scheme: https}", "{use: rewrite, prefix: /v1}"
PLACED = "cannot stand on one service of a route: write it on the route or the service"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (route(f"{REDIRECT}, {REWRITE}"), "a route either rewrites or redirects, not both"),
        (
            route(REDIRECT, f"services: [{{service: s, policies: [{REWRITE}]}}]"),
            "a route either rewrites or redirects, not both",
        ),
        (
            route(REWRITE, match='[{path: /a}, {path: "/b.*", type: regex}]'),
            "rewrite: prefix needs matches of type prefix or exact, not regex",
        ),
        (
            route("", f"services: [{{service: s, policies: [{REWRITE}]}}]", '{path: "/b.*", type: regex}'),
            "rewrite: prefix needs matches of type prefix or exact, not regex",
        ),
        (
            route("{use: redirect, prefix: /v2}", "", '{path: "/b.*", type: regex}').replace("{,", "{"),
            "redirect: prefix needs matches of type prefix or exact, not regex",
        ),
        (
            route("", "services: [{service: s, policies: [{use: rate_limit, requests: 1}]}]"),
            f"'rate_limit' {PLACED}",
        ),
        (route("", "services: [{service: s, policies: [{use: mirror, service: t}]}]"), f"'mirror' {PLACED}"),
        (
            "plans: {p: {policies: [{use: canary, service: t, percent: 1}]}}",
            "'canary' chooses a service: it stands on a route or the gateway only",
        ),
        (route("{use: canary, service: tt, percent: 1}"), "canary: unknown service 'tt' (did you mean 't'?)"),
        (route("{use: mirror, service: u}"), "mirror: unknown service 'u'"),
        (route("], listeners: [daat"), "unknown listener 'daat': data, grpc"),
        (route("").replace("service: s, ", ""), "a route has either service or services"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, text: str, said: str) -> None:
    faults, _ = outcome(tmp_path, text)
    assert any(fault.startswith(said) for fault in faults), faults
    assert len(faults) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (route(REDIRECT), "'redirect' answers every call: the route's services get none"),
        (
            route('{use: cors, allow_origins: ["*"], allow_credentials: true}'),
            "cors: pages of any origin may call with their users' cookies and read the answers",
        ),
        (
            route("{use: request_headers, set: {authorization: x}}"),
            "request_headers: authorization stands here for all to read",
        ),
    ],
)
def test_what_may_not_be_meant_is_warned_of(tmp_path: Path, text: str, said: str) -> None:
    assert outcome(tmp_path, text) == ([], [said])


@pytest.mark.parametrize(
    "text",
    [
        route(REDIRECT, "").replace("{,", "{"),
        route(f"{REWRITE}, {{use: rewrite, host: a.test}}, {{use: mirror, service: t}}, {{use: mirror, service: t}}"),
        route("{use: rewrite, path: /x}", match='{path: "/b.*", type: regex}'),
        route("{use: canary, service: t, percent: 1}", f"services: [{{service: s, policies: [{REWRITE}]}}]"),
        route("], listeners: [data"),
    ],
)
def test_what_works_together_is_taken(tmp_path: Path, text: str) -> None:
    assert outcome(tmp_path, text) == ([], [])
