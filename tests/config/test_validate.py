"""pydantic's errors in an operator's words."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents import Documents
from triplegate.config.faults import Findings
from triplegate.config.reader import read
from triplegate.config.validate import descend, fields_at, note_errors


def notes(text: str) -> list[str]:
    findings = Findings()
    node = read(text, "x", findings)[0]
    with pytest.raises(ValidationError) as caught:
        Documents.model_validate(node.plain())
    note_errors(caught.value, Documents, node, findings)
    return sorted(str(fault) for fault in findings.faults)


def test_the_fields_of_an_object_are_found_through_lists_dicts_and_optionals() -> None:
    assert "time_out" not in fields_at(Documents, ("services", "a"))
    assert "timeout" in fields_at(Documents, ("services", "a"))
    assert "total" in fields_at(Documents, ("services", "a", "timeouts"))
    assert "weight" in fields_at(Documents, ("models", "m", "deployments", 0))
    assert "scopes" in fields_at(Documents, ("orgs", "o", "teams", "t", "consumers", "c"))
    assert "path" in fields_at(Documents, ("routes", "r", "match", 0))


def test_parts_of_a_location_that_stand_in_no_file_are_skipped() -> None:
    node = read("match: {path: 5}\n", "x", Findings())[0]
    assert descend(node, ("match", 0, "path")).value == 5
    assert descend(node, ("match", 0, "missing")).value.keys() == {"path"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "services: {a: {endpoints: [http://h:1], timeouts: {totl: 1s}}}",
            "unknown field 'totl' (did you mean 'total'?)",
        ),
        ("services: {a: {}}", "field 'endpoints' is missing"),
        ("services: {a: 5}", "a: must be an object (name: value)"),
        ("services: {a: {endpoints: x}}", "endpoints: must be a list"),
        ("services: {a: {endpoints: [http://h:1], host: 5}}", "host: must be text"),
        ("services: {a: {endpoints: [http://h:1], tls: {verify: 7}}}", "verify: must be true or false"),
        ("services: {a: {endpoints: [http://h:1], connections: {max: 1.5}}}", "max: must be a whole number"),
        ("services: {a: {endpoints: [http://h:1], connections: {max: 0}}}", "max: must be greater than or equal to 1"),
        ("services: {a: {endpoints: []}}", "endpoints: must have at least 1, not 0"),
        (
            "routes: {a: {service: b, match: {type: exat}}}",
            "type: must be 'prefix', 'exact' or 'regex' (did you mean 'exact'?)",
        ),
        ("routes: {a: {match: {}}}", "a route has either service or services"),
        ("services: {'a b': {endpoints: [http://h:1]}}", "'a b' cannot be a name here: must be letters"),
    ],
)
def test_errors_are_put_in_an_operators_words(text: str, said: str) -> None:
    assert any(said in note for note in notes(text)), notes(text)


def test_a_list_whose_items_are_all_wrong_is_not_called_empty() -> None:
    assert notes("services: {a: {endpoints: [ftp://h]}}") == [
        "x:1:28 endpoints: an address begins with http:// or https:// and has a host"
    ]
