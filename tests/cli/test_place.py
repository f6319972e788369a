"""Which gateway a command is about."""

import json
import os
import socket

import pytest
from tests.journeys.running import free_port

from triplegate.cli.failures import Failed
from triplegate.cli.place import (
    RUNNING,
    Place,
    admin_token,
    base_of,
    control_url,
    find_place,
    forget_running,
    note_running,
    read_env,
)
from triplegate.config.load import load
from triplegate.policies import registry


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("TRIPLEGATE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def listening():
    """The URL of a port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_it_is_the_one_named_then_the_one_here_then_the_demo(here):
    with pytest.raises(Failed, match="no configuration here") as failed:
        find_place(None)
    assert failed.value.status == 2
    (here / ".triplegate" / "demo").mkdir(parents=True)
    assert find_place(None).demo
    (here / "triplegate.yaml").write_text("")
    assert not find_place(None).demo
    (here / "mine").mkdir()
    assert find_place(here / "mine") == Place(here / "mine", here / "mine" / ".triplegate")
    assert find_place(here / ".triplegate" / "demo").demo


def test_one_that_is_not_there_is_refused_unless_it_may_be_away(here):
    with pytest.raises(Failed, match="there is no such file or directory"):
        find_place(here / "away")
    assert find_place(here / "away", missing=True) == Place(here / "away", here / "away" / ".triplegate")


@pytest.mark.parametrize("written", ["", "state_dir: var\n", "# state_dir: no\n", "state_dir: /srv/state\n"])
@pytest.mark.parametrize("variable", ["", "from-env"])
@pytest.mark.parametrize("single", [False, True])
def test_the_state_directory_is_where_the_gateway_has_it(here, monkeypatch, written, variable, single):
    (here / "triplegate.yaml").write_text(written + "services: {}\n")
    if variable:
        monkeypatch.setenv("TRIPLEGATE_STATE_DIR", variable)
    config = here / "triplegate.yaml" if single else here
    settings = load(config, registry()).settings
    assert find_place(config).state.absolute() == settings.state_path


def test_a_broken_file_still_has_a_place(here):
    (here / "triplegate.yaml").write_text("state_dir: [\n")
    assert find_place(here).state == here / ".triplegate"


def test_relative_paths_start_from_the_files_own_directory(here):
    (here / "one.yaml").write_text("")
    assert base_of(here / "one.yaml") == here
    assert base_of(here / "away.yaml") == here
    assert base_of(here / "away") == here / "away"


def test_a_gateway_that_listens_is_found_by_its_note(here, listening):
    place = Place(here, here / "state")
    assert control_url(place) is None
    note_running(place.state, {"control": listening})
    assert control_url(place) == listening
    forget_running(place.state)
    assert control_url(place) is None


def test_a_note_that_outlived_its_gateway_is_not_believed(here, listening):
    place = Place(here, here)
    note_running(here, {"control": f"http://127.0.0.1:{free_port()}"})
    assert control_url(place) is None  # our own process lives, but nobody listens there
    (here / RUNNING).write_text(json.dumps({"pid": 2**22 + 1, "addresses": {"control": listening}}))
    assert control_url(place) is None
    for damaged in ("", "[]", '{"pid": 1}', '{"pid": null, "addresses": 1}'):
        (here / RUNNING).write_text(damaged)
        assert control_url(place) is None


def test_the_note_of_another_gateway_stays(here):
    (here / RUNNING).write_text(json.dumps({"pid": os.getpid() + 1, "addresses": {}}))
    forget_running(here)
    assert (here / RUNNING).exists()


def test_the_environment_says_where_and_with_which_token(here, monkeypatch):
    place = Place(here, here)
    monkeypatch.setenv("TRIPLEGATE_ADMIN_URL", "http://gateway.test:8081/")
    assert control_url(place) == "http://gateway.test:8081"
    (here / "demo.env").write_text("# mine\nTRIPLEGATE_ADMIN_TOKEN=from=file\n\n")
    assert admin_token(place) == "from=file"
    monkeypatch.setenv("TRIPLEGATE_ADMIN_TOKEN", "from-env")
    assert admin_token(place) == "from-env"


def test_the_demo_keeps_its_state_beside_its_configuration(here, monkeypatch):
    place = Place(here / ".triplegate" / "demo", here / ".triplegate", demo=True)
    assert place.environment["TRIPLEGATE_STATE_DIR"] == str(here / ".triplegate")
    assert "TRIPLEGATE_STATE_DIR" not in Place(here, here).environment
    monkeypatch.setenv("TRIPLEGATE_STATE_DIR", "/elsewhere")
    assert place.environment["TRIPLEGATE_STATE_DIR"] == "/elsewhere"


def test_a_file_of_variables_that_is_not_there_is_empty(here):
    assert read_env(here / "demo.env") == {}
