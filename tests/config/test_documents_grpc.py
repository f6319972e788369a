"""Documents of gRPC: what they say, and what cannot be said together."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_api import Match, ServiceDocument
from triplegate.config.documents_grpc import GrpcOptions, path_of

URL = "http://127.0.0.1:50051"


@pytest.mark.parametrize(
    ("grpc", "path", "kind"),
    [
        ({"service": "orders.v1.Orders"}, "/orders.v1.Orders", "prefix"),
        ({"service": "orders.v1.Orders", "method": "Get"}, "/orders.v1.Orders/Get", "exact"),
        ({"method": "Get"}, "/[^/]+/(?:Get)", "regex"),
        (
            {"type": "regex", "service": r"orders\.v[12]\..*", "method": "Get|List"},
            r"/(?:orders\.v[12]\..*)/(?:Get|List)",
            "regex",
        ),
    ],
)
def test_a_service_or_method_is_a_path(grpc, path, kind):
    match = Match.model_validate({"grpc": grpc})
    assert (match.path, match.type) == (path, kind)
    assert Match.model_validate(match.model_dump()) == match  # as it is kept on disk
    assert path_of(match) is match


@pytest.mark.parametrize(
    "written",
    [
        {"grpc": {"service": "a.B"}, "path": "/other"},
        {"grpc": {"service": "a.B"}, "type": "exact"},
        {"grpc": {"service": "/a"}},
        {"grpc": {"service": "a.B", "method": "C/D"}},
        {"grpc": {}},
        {"grpc": {"type": "regex", "service": "("}},
    ],
)
def test_a_match_says_one_thing(written):
    with pytest.raises(ValidationError):
        Match.model_validate(written)


def test_a_service_speaks_http_unless_it_says_grpc():
    assert ServiceDocument(endpoints=(URL,)).protocol == "http"
    spoken = ServiceDocument.model_validate({"endpoints": [URL], "protocol": "grpc", "grpc": {"max_message": "1MiB"}})
    assert spoken.grpc == GrpcOptions(max_message=1 << 20, keepalive=60.0)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"grpc": {}}, "are for protocol: grpc"),
        ({"protocol": "grpc", "host": "keep"}, "host: keep"),
        ({"protocol": "grpc", "connections": {"max": 3}}, "connections is for protocol: http"),
        ({"protocol": "grpc", "endpoints": ["https://h"], "tls": {"san": ["dns:a.test"]}}, "checks the name alone"),
        ({"protocol": "grpc", "endpoints": ["https://h"], "tls": {"min_version": "1.3"}}, "checks the name alone"),
        ({"protocol": "grpc", "websocket": True}, "websocket is for protocol: http"),
        ({"protocol": "grpc", "health": {"path": "/health"}}, "asked by grpc.health.v1"),
        ({"health": {"service": "a.B"}}, "are for protocol: grpc"),
        ({"protocol": "grpc", "grpc": {"max_message": 0}}, "greater than or equal to 1"),
    ],
)
def test_what_makes_no_sense_together_is_refused(more, message):
    with pytest.raises(ValidationError, match=message):
        ServiceDocument.model_validate({"endpoints": [URL], **more})
