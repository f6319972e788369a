"""How a server is reached: over HTTP, with credentials that are sent and never shown."""

from tests.builders import DictSecrets, make_kit

from triplegate.config.documents_mcp import ServerDocument
from triplegate.gates.mcp.commands import CommandTransport
from triplegate.gates.mcp.transports import HttpTransport, transport_of
from triplegate.upstreams.supervisor import TaskSupervisor


def make(kit=None, **document):
    written = ServerDocument.model_validate({"url": "http://127.0.0.1:1/mcp", **document})
    return transport_of("files", written, kit or make_kit(supervisor=TaskSupervisor()))


def test_an_address_is_reached_over_http_in_the_times_of_its_document():
    transport = make(timeouts={"first_byte": "2s", "total": "9s"})
    assert isinstance(transport, HttpTransport)
    assert transport.place == "http://127.0.0.1:1/mcp"
    assert (transport.dispatch().first_byte, transport.dispatch().total) == (2.0, 9.0)


def test_a_command_is_reached_by_its_input_and_output():
    written = ServerDocument.model_validate({"command": ["server"]})
    assert isinstance(transport_of("one", written, make_kit(supervisor=TaskSupervisor())), CommandTransport)


def test_secrets_are_sent_and_never_shown():
    kit = make_kit(supervisor=TaskSupervisor(), secrets=DictSecrets({"env:A": "s3cret"}))
    transport = make(kit, auth={"bearer": "env:A"}, headers={"x-plain": "v"})
    assert transport.missing == ""
    assert (b"authorization", b"Bearer s3cret") in transport._fixed
    assert (b"x-plain", b"v") in transport._fixed
    assert "s3cret" not in repr(transport)


def test_a_secret_that_is_not_there_is_named_by_its_place():
    assert make(auth={"bearer": "env:NO"}).missing == "nothing at env:NO"
    assert make(headers={"x-key": "env:NO"}).missing == "nothing at env:NO"
