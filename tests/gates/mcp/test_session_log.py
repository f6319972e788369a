"""Sessions are remembered to be shown: who has them, with which client; never so that somebody could use them."""

from triplegate.core.identity import Principal
from triplegate.gates.mcp.session_log import MOST, SessionLog, session_name

WHO = Principal("acme", "web", "ci")
CLIENT = b'{"name":"inspector","version":"2.1"}'


def test_a_session_is_shown_by_who_has_it_and_when_it_was_used() -> None:
    log = SessionLog()
    log.note("s" * 32, WHO, "dev", "2025-11-25", CLIENT, 10.0)
    log.note("t" * 32, WHO, "", "2025-06-18", b"[]", 20.0)
    log.note("s" * 32, WHO, "dev", "2025-11-25", CLIENT, 30.0)
    first, second = log.living(0.0)
    assert (first.client, first.virtual, first.version, first.uses) == ("inspector 2.1", "dev", "2025-11-25", 2)
    assert (first.opened, first.used, first.name) == (10.0, 30.0, session_name("s" * 32))
    assert (second.client, second.consumer) == ("", "ci")
    assert [one.used for one in log.living(25.0)] == [30.0]
    log.end("s" * 32, 31.0)
    log.end("unknown", 31.0)
    assert len(log.living(0.0)) == 1


def test_only_so_many_are_remembered() -> None:
    log = SessionLog()
    for number in range(MOST + 5):
        log.note(str(number), WHO, "", "2025-11-25", b"", float(number))
    assert len(log.living(0.0)) == MOST
    assert log.living(0.0)[-1].opened == 5.0
