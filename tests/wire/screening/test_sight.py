"""What cannot be looked at is refused by name, and only by those who would have to look."""

from types import SimpleNamespace

import msgspec
import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.screening.sight import must_be_seen


def call(operation="chat", *, family="openai_chat", codec=True, form=False, method="POST", **rest):
    endpoint = SimpleNamespace(operation=operation, family=family, codec=object() if codec else None, form=form)
    request = SimpleNamespace(rest={name: msgspec.Raw(raw) for name, raw in rest.items()})
    return SimpleNamespace(endpoint=endpoint, look=SimpleNamespace(method=method), request=lambda: request)


UNSEEN = [
    (call(family="openai_responses"), "output"),
    (call(family="openai_responses", store=b"false", background=b"true"), "output"),
    (call("responses", codec=False, method="GET"), "output"),
    (call("speech", codec=False), "output"),
    (call("files", codec=False, form=True), "input"),
    (call("realtime", codec=False), "input"),
]
SEEN = [
    (call(), "output"),
    (call(family="openai_responses", store=b"false"), "output"),
    (call(family="openai_responses"), "input"),
    (call("embeddings", codec=False), "output"),
    (call("responses", codec=False, method="DELETE"), "output"),
    (call("files", codec=False, method="GET"), "input"),
]


@pytest.mark.parametrize(("call", "on"), UNSEEN)
def test_what_stays_hidden_is_refused(call, on):
    with pytest.raises(Refusal) as refused:
        must_be_seen(call, asks=on == "input", watches=on == "output", label="g")
    assert (refused.value.code, refused.value.policy) == ("content_unseen", "g")


@pytest.mark.parametrize(("call", "on"), SEEN)
def test_what_can_be_seen_passes(call, on):
    must_be_seen(call, asks=on == "input", watches=on == "output", label="g")
