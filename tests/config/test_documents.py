"""The whole: places, normal form, digest."""

import subprocess
import sys

import pytest
from pydantic import ValidationError
from tests.config.policies import RateLimit

from triplegate.config.documents import Documents, GatewayDocument
from triplegate.config.faults import Position


def documents(**kinds: object) -> Documents:
    return Documents.model_validate(kinds)


def test_an_object_knows_its_place_or_that_of_the_nearest_around_it() -> None:
    here = documents().standing({("routes", "a"): Position("f", 3, 1), ("routes",): Position("f", 1, 1)})
    assert here.origin("routes", "a") == "f:3:1"
    assert here.origin("routes", "a", "policies", 7) == "f:3:1"
    assert here.origin("routes", "b") == "f:1:1"
    assert here.origin("services", "b") == ""


def test_places_do_not_count_in_the_digest() -> None:
    plain = documents()
    assert plain.standing({("routes",): Position("f", 1, 1)}).digest() == plain.digest()


def test_fields_of_policies_are_in_the_normal_form() -> None:
    limit = RateLimit(requests=5, tags=frozenset({"c", "a", "b"}))
    shown = Documents(gateway=GatewayDocument(policies=(limit,))).canonical()["gateway"]["policies"][0]
    assert shown["requests"] == 5
    assert shown["tags"] == ["a", "b", "c"]


def test_the_digest_does_not_depend_on_the_order_of_names_or_on_hash_seeds() -> None:
    code = """
from tests.config.policies import RateLimit
from triplegate.config.documents import Documents, GatewayDocument
limit = RateLimit(requests=5, tags=frozenset("abcdefghij"))
print(Documents(gateway=GatewayDocument(policies=(limit,))).digest())
"""
    seen = set()
    for seed in ("1", "2", "3"):
        variables = {"PYTHONHASHSEED": seed, "PYTHONPATH": "."}
        run = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, check=True)
        seen.add(run.stdout)
    assert len(seen) == 1
    a, b = {"endpoints": ["http://a"]}, {"endpoints": ["http://b"]}
    assert documents(services={"a": a, "b": b}).digest() == documents(services={"b": b, "a": a}).digest()


def test_a_change_of_order_among_policies_is_a_change() -> None:
    one, two = RateLimit(requests=1), RateLimit(requests=2)
    forth = Documents(gateway=GatewayDocument(policies=(one, two)))
    back = Documents(gateway=GatewayDocument(policies=(two, one)))
    assert forth.digest() != back.digest()


@pytest.mark.parametrize("path", ["v1", "/v1/", "/", "/v 1", ""])
def test_a_gate_stands_on_a_plain_path(path: str) -> None:
    with pytest.raises(ValidationError):
        documents(llm={"base_path": path})


def test_a_policy_that_nobody_read_is_refused() -> None:
    with pytest.raises(ValidationError):
        documents(gateway={"policies": [{"use": "rate_limit", "requests": 5}]})


def test_hosts_and_origins_of_the_gates_are_such_as_can_be_met() -> None:
    written = documents(
        llm={"host": "LLM.test"},
        mcp={"allowed_hosts": ["*.A.test", "*"], "allowed_origins": ["HTTPS://a.test:1/", "*"]},
    )
    assert (written.llm.host, written.mcp.allowed_hosts) == ("llm.test", ("*.a.test", "*"))
    assert written.mcp.allowed_origins == ("https://a.test:1/", "*")


@pytest.mark.parametrize(
    "wrong",
    [
        {"llm": {"host": "llm.test:8080"}},
        {"llm": {"host": "*.test"}},
        {"mcp": {"allowed_hosts": ["a.test:8080"]}},
        {"mcp": {"allowed_origins": ["a.test"]}},
        {"mcp": {"allowed_origins": ["https://a.test/x"]}},
    ],
)
def test_what_no_call_could_have_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        documents(**wrong)
