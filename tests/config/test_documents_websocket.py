"""Whether a service is called by WebSocket, as written."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_api import ServiceDocument
from triplegate.config.documents_websocket import WebSocketOptions


def written(value):
    return ServiceDocument.model_validate({"endpoints": ["http://127.0.0.1:1"], "websocket": value}).websocket


def test_true_stands_for_the_defaults_and_nothing_for_none():
    assert written(True) == written({}) == WebSocketOptions()
    assert written(False) is written(None) is None
    assert ServiceDocument.model_validate({"endpoints": ["http://127.0.0.1:1"]}).websocket is None


def test_bounds_are_read_in_words():
    options = written({"idle": "5m", "max_message": "2MiB", "ping": "0s", "origins": ["https://App.example.com"]})
    assert (options.idle, options.max_message, options.ping) == (300.0, 2 << 20, 0.0)
    assert options.origins == ("https://app.example.com",)


@pytest.mark.parametrize(
    "value",
    [{"max_message": 0}, {"max_message": "65MiB"}, {"idle": 0}, {"origins": ["app.example.com"]}, {"compress": True}],
)
def test_what_cannot_be_meant_is_refused(value):
    with pytest.raises(ValidationError):
        written(value)
