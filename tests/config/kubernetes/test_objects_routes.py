"""Routes as written: durations, defaults."""

import pytest
from pydantic import ValidationError

from triplegate.config.kubernetes.objects_routes import HttpRouteSpec, HttpTimeouts, RedirectFilter, seconds_of


@pytest.mark.parametrize(
    ("duration", "expected"), [("0s", 0), ("500ms", 0.5), ("1m30s", 90), ("1h", 3600), ("1s500ms", 1.5)]
)
def test_a_duration_has_parts(duration, expected):
    assert seconds_of(HttpTimeouts.model_validate({"request": duration}).request) == expected


@pytest.mark.parametrize("duration", ["", "1", "1.5s", "-1s", "1d", "123456s", "1h1m1s1ms1h", 5])
def test_what_is_no_duration_is_refused(duration):
    with pytest.raises(ValidationError):
        HttpTimeouts.model_validate({"request": duration})


def test_what_is_left_out_has_the_defaults_of_the_api():
    spec = HttpRouteSpec.model_validate({"rules": [{"matches": [{}], "backendRefs": [{"name": "a"}]}]})
    (rule,) = spec.rules
    assert (rule.matches[0].path.type, rule.matches[0].path.value) == ("PathPrefix", "/")
    (backend,) = rule.backend_refs
    assert (backend.kind, backend.group, backend.weight, backend.port) == ("Service", "", 1, None)
    assert RedirectFilter().status_code == 302
    assert len(HttpRouteSpec().rules) == 1
