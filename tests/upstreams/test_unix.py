"""Unix sockets: only ours, wherever the directory is."""

import stat

import pytest

from triplegate.upstreams.unix import bind, dial


def test_a_directory_with_a_long_name_is_no_obstacle_and_a_left_over_socket_is_replaced(tmp_path):
    place = tmp_path / ("x" * 120)
    place.mkdir()
    bind(place / "door").close()
    with bind(place / "door") as door:
        door.listen()
        assert stat.S_IMODE((place / "door").stat().st_mode) == 0o600
        with dial(place / "door") as caller, door.accept()[0] as called:
            caller.send(b"hello")
            assert called.recv(5) == b"hello"


def test_nobody_there_is_an_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        dial(tmp_path / "door")
