"""One cookie of a request."""

import pytest

from triplegate.wire.cookies import cookie


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([b"a=1; side=new"], "new"),
        ([b"a=1", b"side=new"], "new"),
        ([b'side="new"; side=old'], "new"),
        ([b"side=a=b"], "a=b"),
        ([b"side="], ""),
        ([b"side"], None),
        ([b"beside=new"], None),
        ([], None),
    ],
)
def test_the_first_value_of_a_cookie(lines: list[bytes], value: str | None) -> None:
    assert cookie([(b"accept", b"side=no"), *((b"cookie", line) for line in lines)], "side") == value
