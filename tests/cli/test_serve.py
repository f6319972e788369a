"""Starting: refused whole with a sentence, or served; what was kept last stands in for a directory that is away."""

import asyncio
import signal
import socket

import httpx
import pytest
from tests.cli.conftest import CONFIGURATION
from tests.journeys.running import House, eventually, write

from triplegate.cli.failures import Failed
from triplegate.cli.place import Place
from triplegate.cli.serve import read_configuration, run_loop
from triplegate.config.faults import ConfigError
from triplegate.config.keep import keep
from triplegate.config.load import load
from triplegate.policies import registry
from triplegate.upstreams.loop import Loop


def get(house, path="/open"):
    return httpx.get(house.url + path, timeout=10).status_code


def degraded(house):
    return {one["part"]: one["detail"] for one in house.admin("GET", "/status").json()["degraded"]}


def kept(folder, **variables):
    """The configuration in a folder, kept as the last good one."""
    loaded = load(folder, registry(), environment=variables)
    keep(loaded, loaded.settings.state_path)
    return loaded


def test_it_runs_on_a_loop_whose_look_ups_keep_it_from_nothing(tmp_path):
    async def work():
        return 7 if isinstance(asyncio.get_running_loop(), Loop) else 0

    assert run_loop(tmp_path, work()) == 7


def test_it_says_where_it_listens_and_ends_well(place):
    with House(place) as house:
        assert f"control  {house.admin_url}" in house.lines
        assert any(line.startswith("first sign-in: the token in ") for line in house.lines)
        assert get(house) == 200
        assert (place / ".triplegate" / "running.json").exists()
        assert house.stop(signal.SIGTERM) == 0
    assert not (place / ".triplegate" / "running.json").exists()


def test_broken_files_start_nothing_even_when_good_ones_were_kept(command, place):
    kept(place)
    write(place, "routes: {one: {service: nothing}}\n")
    done = command("serve", TRIPLEGATE_PORT="0", TRIPLEGATE_ADMIN_PORT="0")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("triplegate.yaml:1:")
    assert done.err.endswith("nothing was started\n")
    assert not (place / ".triplegate" / "running.json").exists()


@pytest.mark.parametrize("variable", ["TRIPLEGATE_PORT", "TRIPLEGATE_ADMIN_PORT"])
def test_a_port_that_is_taken_is_named_with_a_way_out(command, place, variable):
    others = {"TRIPLEGATE_PORT": "0", "TRIPLEGATE_ADMIN_PORT": "0"}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("serve", **{**others, variable: str(port)})
    assert (done.status, done.out) == (1, "")
    assert f"port {port} on 127.0.0.1 is in use" in done.err
    assert variable in done.err


def test_a_second_one_on_the_same_port_leaves_the_first_ones_note(command, house):
    done = command("serve", "--config", str(house.directory), TRIPLEGATE_PORT=str(house.port))
    assert done.status == 1
    assert (house.directory / ".triplegate" / "running.json").exists()


def test_a_secret_that_settings_name_must_be_there(command, place):
    write(place, "pepper: env:MY_PEPPER\n" + (place / "triplegate.yaml").read_text())
    done = command("serve", TRIPLEGATE_PORT="0", TRIPLEGATE_ADMIN_PORT="0")
    assert (done.status, done.out) == (1, "")
    assert "pepper: nothing at 'env:MY_PEPPER'" in done.err


def test_what_was_kept_last_serves_while_the_directory_is_away(tmp_path, upstream):
    config, away = tmp_path / "mount", tmp_path / "elsewhere"
    write(config, CONFIGURATION % upstream)
    kept(config, TRIPLEGATE_STATE_DIR=str(tmp_path / ".triplegate"))
    house = House(tmp_path, "serve", "--config", "mount", TRIPLEGATE_STATE_DIR=str(tmp_path / ".triplegate"))
    config.rename(away)
    config.mkdir()  # as a mount that is missing
    with house:
        assert any("there is no YAML in it. The documents kept last" in line for line in house.lines)
        assert get(house) == 200
        assert "the documents kept last are served" in degraded(house)["configuration"]
        write(away, "\n" + (away / "triplegate.yaml").read_text())
        config.rmdir()
        away.rename(config)
        house.wait_for(lambda line: "can be read again" in line, 15)
        assert degraded(house) == {}
        write(config, (config / "triplegate.yaml").read_text().replace("path: /open", "path: /wide"))
        eventually(lambda: get(house, "/wide") == 200)


def test_without_kept_documents_a_missing_directory_does_not_start(tmp_path):
    (tmp_path / "empty").mkdir()
    for name, said in (("empty", "there is no YAML in it"), ("missing", "No such file or directory")):
        place = Place(tmp_path / name, tmp_path)
        with pytest.raises(Failed, match=said):
            read_configuration(place, {})


def test_a_mistyped_directory_never_serves_the_documents_of_its_neighbour(place):
    """State beside the mistyped name is another gateway's."""
    from triplegate.cli.failures import Failed

    loaded = kept(place)
    with pytest.raises(Failed, match="No such file"):
        read_configuration(Place(place / "cnofig", place), {})
    state = {"TRIPLEGATE_STATE_DIR": str(place / ".triplegate")}
    found, why = read_configuration(Place(place / "cnofig", place), state)
    assert found.hash == loaded.hash
    assert "No such file" in why


def test_syntax_errors_are_never_stood_in_for(place):
    write(place, "routes: [\n")
    with pytest.raises(ConfigError):
        read_configuration(Place(place, place / ".triplegate"), {})


def test_a_changed_setting_is_said_to_wait_for_the_next_start(place):
    plain = (place / "triplegate.yaml").read_text()
    with House(place) as house:
        assert degraded(house) == {}
        write(place, "drain: {grace: 1s}\nlimits: {body: 1MiB}\n" + plain)
        house.wait_for(lambda line: line == "settings changed: drain, limits; in force after the next start", 10)
        assert degraded(house) == {"settings": "drain, limits changed; in force after the next start"}
        write(place, plain)
        eventually(lambda: degraded(house) == {})
