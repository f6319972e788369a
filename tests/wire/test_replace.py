"""A part of a path is replaced, and what comes out stays below its replacement."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.replace import replace_prefix


@pytest.mark.parametrize(
    ("path", "matched", "prefix", "result"),
    [
        ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
        ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
        ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
        ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
        ("/foo", "/foo", "/xyz", "/xyz"),
        ("/foo/", "/foo", "/xyz", "/xyz/"),
        ("/foo/bar", "/foo", "/", "/bar"),
        ("/foo/bar", "/foo", "", "/bar"),
        ("/foo/", "/foo", "/", "/"),
        ("/foo", "/foo", "/", "/"),
        ("/foo", "/foo", "", "/"),
        ("/bar", "/", "/xyz", "/xyz/bar"),
        ("/", "/", "/xyz", "/xyz/"),
        ("/foo/caf%C3%A9", "/foo", "/xyz", "/xyz/caf%C3%A9"),
    ],
)
def test_rt12_a_prefix_is_replaced_whatever_slashes_end_it(path: str, matched: str, prefix: str, result: str) -> None:
    assert replace_prefix(path, matched, prefix) == result


@pytest.mark.parametrize("path", ["/api/../secret", "/api../secret", "/api/%2e%2e/secret", "/api/x/../../../secret"])
def test_p13_what_would_leave_its_place_is_refused(path: str) -> None:
    with pytest.raises(Refusal) as caught:
        replace_prefix(path, "/api", "/public")
    assert caught.value.code == "ambiguous_path"
