"""Loading: broken configurations say everything that is wrong, good ones load the same however they are laid out."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.config.policies import REGISTRY

from triplegate.config.load import ConfigError, load

BROKEN = Path(__file__).parent / "broken"

GOOD = """
services:
  orders: {endpoints: [http://127.0.0.1:9001], timeout: 5s}
routes:
  orders:
    service: orders
    match: {path: /orders, methods: [GET]}
    policies:
      - {use: key_auth}
      - {use: rate_limit, requests: 5, tags: [b, a, c]}
models:
  smart:
    deployments: [{provider: openai, model: gpt-4o, key: env:OPENAI_API_KEY}]
    fallback: [local]
  local: {deployments: [{provider: ollama, model: tiny}]}
servers:
  files: {url: http://127.0.0.1:9003/mcp}
virtual_servers:
  dev: {tools: ["files__*"]}
orgs:
  acme: {teams: {web: {plan: free, consumers: {ci: {scopes: [orders]}}}}}
policies:
  slow: [{use: rate_limit, requests: 1}]
"""


def written(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)
    return directory


def faults(source: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(source, REGISTRY, environment={})
    return str(caught.value).replace(str(source), "DIR").splitlines()


@pytest.mark.parametrize("case", sorted(BROKEN.iterdir()), ids=lambda path: path.name)
def test_a_broken_configuration_says_all_that_is_wrong_with_its_places(case: Path) -> None:
    assert faults(case) == (case / "expected.txt").read_text().splitlines()


def test_there_are_enough_broken_configurations() -> None:
    assert len(list(BROKEN.iterdir())) >= 30


@pytest.mark.parametrize("case", sorted(BROKEN.iterdir()), ids=lambda path: path.name)
def test_no_message_or_excerpt_shows_a_secret(case: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(case, REGISTRY, environment={})
    shown = str(caught.value) + caught.value.excerpts() + repr(caught.value) + repr(caught.value.faults)
    assert "CANARY" not in shown


def test_an_excerpt_points_at_the_place(tmp_path: Path) -> None:
    written(tmp_path, triplegate="services:\n  a: {endpoints: [http://h:1], time_out: 5s}\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, REGISTRY, environment={})
    message, line, caret = caught.value.excerpts().splitlines()
    assert message == "triplegate.yaml:2:32 unknown field 'time_out' (did you mean 'timeout'?)"
    assert line[caret.index("^") :].startswith("time_out")


def test_a_good_configuration_knows_where_everything_stands(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, triplegate=GOOD), REGISTRY, environment={})
    documents = loaded.documents
    assert documents.origin("routes", "orders") == "triplegate.yaml:5:3"
    assert documents.origin("services", "orders", "timeout") == "triplegate.yaml:3:48"
    auth, limit = documents.routes["orders"].policies
    assert (auth.label, auth.origin) == ("route:orders/key_auth", "triplegate.yaml:9:9")
    assert (limit.label, limit.origin) == ("route:orders/rate_limit", "triplegate.yaml:10:9")
    assert documents.origin("routes", "orders", "policies", 1) == "triplegate.yaml:10:9"
    assert not loaded.warnings


def test_only_the_shipped_parts_in_use_are_filled_in(tmp_path: Path) -> None:
    documents = load(written(tmp_path, triplegate=GOOD), REGISTRY, environment={}).documents
    assert sorted(documents.providers) == ["ollama", "openai"]
    assert sorted(documents.plans) == ["free"]
    assert sorted(documents.policies) == ["slow"]
    assert [policy.label for policy in documents.llm.policies] == ["llm/key_auth"]
    assert documents.llm.policies[0].origin.startswith("shipped/policies/llm.yaml:")


def test_the_operators_provider_is_laid_over_the_shipped_one(tmp_path: Path) -> None:
    mine = "providers: {openai: {base_url: 'http://127.0.0.1:9/v1', models: {gpt-4o: {input: 99}, own: {input: 1}}}}"
    documents = load(written(tmp_path, triplegate=GOOD, mine=mine), REGISTRY, environment={}).documents
    openai = documents.providers["openai"]
    assert openai.base_url == "http://127.0.0.1:9/v1"
    assert openai.key == "env:OPENAI_API_KEY"
    assert (openai.models["gpt-4o"].input, openai.models["gpt-4o"].output, openai.models["own"].input) == (99, 10, 1)
    assert "gpt-4o-mini" in openai.models


def test_a_chain_of_the_operator_replaces_the_shipped_one(tmp_path: Path) -> None:
    mine = "policies: {llm: [{use: key_auth}, {use: rate_limit, requests: 3}]}"
    documents = load(written(tmp_path, triplegate=GOOD, mine=mine), REGISTRY, environment={}).documents
    assert [policy.use for policy in documents.llm.policies] == ["key_auth", "rate_limit"]


def test_the_hash_ignores_files_order_comments_and_layout(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for directory in (one, two, two / "deep"):
        directory.mkdir()
    written(one, triplegate=GOOD)
    kinds = GOOD.strip("\n").split("\nmodels:")
    written(two, b="# models\nmodels:" + kinds[1].replace("{path: /orders", '{"path": "/orders"'))
    written(two / "deep", a=kinds[0].replace("[b, a, c]", "[c, b, a]").replace("5s", "5000ms") + "\n")
    assert load(one, REGISTRY, environment={}).hash == load(two, REGISTRY, environment={}).hash


@pytest.mark.parametrize(
    ("old", "new"),
    [("requests: 5", "requests: 6"), ("timeout: 5s", "timeout: 6s"), ("[b, a, c]", "[b, a]"), ("/orders", "/order")],
)
def test_the_hash_sees_every_change_of_meaning(tmp_path: Path, old: str, new: str) -> None:
    before = load(written(tmp_path, triplegate=GOOD), REGISTRY, environment={}).hash
    assert load(written(tmp_path, triplegate=GOOD.replace(old, new)), REGISTRY, environment={}).hash != before


def _objects(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Paths of all objects that have fields (not names given by the operator)."""
    named = {("services",), ("routes",), ("models",), ("servers",), ("virtual_servers",), ("orgs",), ("policies",)}
    found: list[tuple[str | int, ...]] = []
    if isinstance(value, dict):
        by_name = path in named or path[-1:] in (("teams",), ("consumers",))
        found += [] if by_name or not path else [path]
        for name, one in value.items():
            found += _objects(one, (*path, name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            found += _objects(one, (*path, index))
    return found


def _good() -> dict[str, object]:
    from triplegate.config.faults import Findings
    from triplegate.config.reader import read

    plain = read(GOOD, "x", Findings())[0].plain()
    assert isinstance(plain, dict)
    return plain


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.sampled_from(_objects(_good())),
    key=st.from_regex(r"[a-z][a-z_]{1,12}", fullmatch=True).map(lambda word: f"zz_{word}"),
)
def test_any_extra_key_is_an_error_that_names_it(tmp_path: Path, place: tuple[str | int, ...], key: str) -> None:
    import json

    plain = _good()
    target: object = plain
    for part in place:
        target = target[part]  # type: ignore[index]
    assert isinstance(target, dict)
    target[key] = 1
    found = faults(written(tmp_path, triplegate=json.dumps(plain, indent=1)))
    lines = (tmp_path / "triplegate.yaml").read_text().splitlines()
    named = [one for one in found if f"unknown field '{key}'" in one]
    assert named
    _, line, column = named[0].split(" ")[0].split(":")
    assert lines[int(line) - 1][int(column) - 1 :].startswith(f'"{key}"')


def test_a_file_alone_is_a_configuration(tmp_path: Path) -> None:
    written(tmp_path, mine=GOOD + "node: one\n", other="not: used")
    loaded = load(tmp_path / "mine.yaml", REGISTRY, environment={})
    assert loaded.settings.node == "one"
    assert loaded.documents.origin("routes", "orders").startswith("mine.yaml:")


def test_hidden_folders_and_tests_are_not_configuration(tmp_path: Path) -> None:
    for name in (".triplegate", "tests"):
        (tmp_path / name).mkdir()
        written(tmp_path / name, x="nonsense: 1")
    load(written(tmp_path, triplegate=GOOD), REGISTRY, environment={})


def test_nothing_written_is_a_configuration_with_closed_gates(tmp_path: Path) -> None:
    documents = load(written(tmp_path, triplegate="# nothing yet\n"), REGISTRY, environment={}).documents
    assert not documents.routes
    assert [policy.use for policy in documents.mcp.policies] == ["key_auth"]
