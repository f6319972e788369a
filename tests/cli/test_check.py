"""Everything that is wrong is said at once, with its place; what is missing only now is a warning."""

import re

from tests.journeys.running import write

MODELS = """
models:
  smart:
    deployments:
      - {provider: openai, model: gpt-4o, key: "env:MINE"}
  other:
    deployments: [{provider: groq, model: llama}]
servers:
  files: {url: "http://127.0.0.1:9003/mcp", auth: {bearer: "file:token"}}
"""


def test_a_good_one_is_counted_and_named_by_its_hash(command, place):
    done = command("check")
    assert (done.status, done.err) == (0, "")
    assert re.fullmatch(r"good: 2 routes, 0 models, 0 servers, 1 orgs; hash [0-9a-f]{12}\n", done.out)
    assert command("check", "--config", str(place / "triplegate.yaml")).out == done.out
    assert not (place / ".triplegate").exists()


def test_all_faults_of_all_files_are_said_each_with_its_place(command, tmp_path):
    write(tmp_path, "services: {orders: {endpoints: [http://127.0.0.1:1], time_out: 5s}}\n")
    write(tmp_path, "routes: {orders: {service: odrers, match: {path: /orders}, identity: none}}\n", "apis/orders.yaml")
    done = command("check")
    assert (done.status, done.out) == (1, "")
    first, second, count = done.err.splitlines()
    assert first.startswith("apis/orders.yaml:1:")
    assert "'odrers'" in first
    assert "did you mean 'orders'?" in first
    assert re.match(r"triplegate\.yaml:1:\d+ unknown field 'time_out' \(did you mean 'timeout'\?\)", second)
    assert count == "2 errors"


def test_yaml_that_cannot_be_read_has_a_place_too(command, tmp_path):
    write(tmp_path, "routes: [\n")
    done = command("check")
    assert done.status == 1
    assert done.err.startswith("triplegate.yaml:")
    assert done.err.endswith("1 error\n")


def test_secrets_that_are_missing_warn_and_fail_only_when_strict(command, tmp_path):
    write(tmp_path, MODELS)
    done = command("check")
    assert done.status == 0
    assert sorted(line.partition("warning: ")[2].split(" ", 1)[1] for line in done.err.splitlines()) == [
        "model 'smart': nothing at env:MINE",
        "provider 'groq': nothing at env:GROQ_API_KEY",
        "server 'files': nothing at file:token",
    ]
    assert command("check", "--strict").status == 1
    (tmp_path / "token").write_text("hush\n")
    whole = command("check", "--strict", MINE="x", GROQ_API_KEY="y")
    assert (whole.status, whole.err) == (0, "")  # openai's own key is asked for by nobody


def test_files_that_policies_name_are_looked_for_too(command, tmp_path):
    tokens = "policies: [{use: jwt, keys: 'file:nowhere.json', issuer: 'https://i.test', audience: a}]"
    write(
        tmp_path,
        f"""gateway: {{{tokens}}}
services: {{s: {{endpoints: ["http://127.0.0.1:1"]}}}}
routes: {{r: {{service: s, match: {{path: /r}}, owner: web, {tokens}}}}}
orgs: {{acme: {{teams: {{web: {{}}}}}}}}
""",
    )
    done = command("check", "--strict")
    told = sorted(line.partition("warning: ")[2].split(" ", 1)[1] for line in done.err.splitlines())
    assert (done.status, told) == (
        1,
        [f"{who}: nothing at file:nowhere.json" for who in ("gateway", "route 'r'")],
    )


def test_a_provider_without_any_key_is_named(command, tmp_path):
    write(
        tmp_path,
        "providers: {mine: {base_url: 'https://llm.test/v1', dialect: openai_chat}}\n"
        "models: {smart: {deployments: [{provider: mine, model: m}]}}\n",
    )
    assert "model 'smart': provider 'mine' has no key" in command("check").err


def test_a_provider_whose_deployments_have_keys_of_their_own_needs_none(command, tmp_path):
    (tmp_path / "here.txt").write_text("k")
    write(
        tmp_path,
        "providers: {mine: {base_url: 'https://llm.test/v1', dialect: openai_chat}}\n"
        "models: {smart: {deployments: [{provider: mine, model: m, keys: [{key: 'file:here.txt'}]}]}}\n",
    )
    assert command("check", "--strict").status == 0


def test_a_secret_is_never_shown(command, tmp_path):
    write(tmp_path, 'servers: {files: {url: "http://127.0.0.1:1/mcp", auth: {bearer: "canary-77"}}}\n')
    done = command("check")
    assert done.status == 1
    assert "canary-77" not in done.out + done.err
