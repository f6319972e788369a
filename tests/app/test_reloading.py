"""A new configuration is taken whole or not at all, and what is not in force is said."""

import asyncio
import shutil

import pytest
from tests.app.conftest import CONFIGURATION, QUIET, read
from tests.journeys.running import write

from triplegate.app import reloading
from triplegate.app.reloading import Reloading, unreachable
from triplegate.policies import registry

WIDER = CONFIGURATION.replace("path: /orders", "path: /wider")
BROKEN = CONFIGURATION.replace("service: orders", "servic: orders")


def path_of(building):
    (match,) = building.gateway.snapshot.documents.routes["orders"].match
    return match.path


def parts(building):
    return {one.part: one.detail for one in building.reloading.degraded()}


async def test_a_good_edit_is_taken_and_kept(building, folder):
    write(folder, WIDER)
    done = await building.reloading.reload()
    assert (done.changed, done.generation, done.faults) == (True, 2, ())
    assert path_of(building) == "/wider"
    assert b"/wider" in (folder / ".triplegate" / "last-good" / "documents.json").read_bytes()


async def test_a_bad_edit_is_refused_with_its_place_and_the_good_one_serves_and_stays_kept(building, folder, capsys):
    write(folder, BROKEN)
    done = await building.reloading.reload()
    assert (done.changed, done.generation) == (False, 1)
    assert [fault.pointer for fault in done.faults] == ["triplegate.yaml:4:12"]
    assert "unknown field 'servic'" in done.faults[0].message
    assert "servic" in building.gateway.last_error
    assert path_of(building) == "/orders"
    assert "the last good one goes on serving:\ntriplegate.yaml:4:12" in capsys.readouterr().err
    assert b"servic:" not in (folder / ".triplegate" / "last-good" / "documents.json").read_bytes()
    write(folder, CONFIGURATION)
    await building.reloading.reload()
    assert building.gateway.last_error == ""


async def test_the_same_documents_change_nothing(building, folder):
    before = building.gateway.snapshot
    write(folder, "# a comment\n" + CONFIGURATION)
    done = await building.reloading.reload()
    assert (done.changed, done.generation) == (False, 1)
    assert building.gateway.snapshot is before


async def test_what_cannot_be_compiled_is_refused_too(building, folder, monkeypatch):
    def explode(documents):
        raise RuntimeError("out of paper")

    monkeypatch.setattr(building.gateway, "compile", explode)
    write(folder, WIDER)
    await building.reloading.take(read(folder))
    assert building.gateway.last_error == "RuntimeError: out of paper"
    assert path_of(building) == "/orders"


async def test_an_edited_setting_waits_for_the_next_start_and_is_said_once(building, folder, capsys):
    write(folder, "limits: {body: 1MiB}\n" + CONFIGURATION)
    await building.reloading.reload()
    await building.reloading.reload()
    assert parts(building) == {"settings": "limits changed; in force after the next start"}
    assert capsys.readouterr().err.count("settings changed: limits; in force after the next start") == 1
    assert building.settings.limits.body == 10 << 20
    write(folder, CONFIGURATION)
    await building.reloading.reload()
    assert parts(building) == {}


async def test_variables_of_the_start_are_no_edited_settings(building):
    """The worker was loaded with variables that this process's environment does not have."""
    assert building.settings.node == "n1"
    await building.reloading.reload()
    assert parts(building) == {}


async def test_what_stood_in_is_replaced_by_the_files_even_when_they_say_the_same(building, folder, capsys):
    stood_in = Reloading(
        building.gateway, building.reloading.loaded, folder, registry(), stale="away", environment=QUIET
    )
    assert [one.detail for one in stood_in.degraded()] == ["away; the documents kept last are served"]
    await stood_in.reload()
    assert stood_in.degraded() == []
    assert "can be read again" in capsys.readouterr().err


async def test_a_state_directory_that_is_full_stops_no_swap(building, folder, capsys):
    shutil.rmtree(folder / ".triplegate" / "last-good")
    (folder / ".triplegate" / "last-good").write_text("a file where the directory was")
    write(folder, WIDER)
    await building.reloading.reload()
    assert path_of(building) == "/wider"
    assert "the last good configuration cannot be kept" in capsys.readouterr().err


# the files themselves ---------------------------------------------------------------------------------------------
def test_what_holds_no_yaml_cannot_be_reached(tmp_path):
    assert "No such file" in unreachable(tmp_path / "missing")
    assert "No such file" in unreachable(tmp_path / "missing.yaml")
    assert unreachable(tmp_path) == "there is no YAML in it"
    write(tmp_path, "hidden: true\n", ".triplegate/demo/triplegate.yaml")
    write(tmp_path, "tests: []\n", "tests/one.yaml")
    assert unreachable(tmp_path) == "there is no YAML in it"
    write(tmp_path, "broken: [\n", "apis/one.yaml")
    assert unreachable(tmp_path) == ""
    assert unreachable(tmp_path / "apis" / "one.yaml") == ""


@pytest.fixture
async def watching(building, monkeypatch):
    """The watch, looking for a directory that is away every 20 ms."""
    monkeypatch.setattr(reloading, "LOOK_AGAIN", 0.02)
    task = asyncio.get_running_loop().create_task(building.reloading.watch())
    yield building
    building.reloading.stop()
    async with asyncio.timeout(5):
        await task


async def until(true):
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def test_edits_are_taken_by_themselves_also_after_the_directory_was_away(watching, folder):
    state, aside = folder / ".triplegate", folder.parent / f"{folder.name}-aside"
    write(folder, WIDER)
    await until(lambda: path_of(watching) == "/wider")
    (folder / "triplegate.yaml").rename(aside)
    await until(lambda: "no configuration here" in watching.gateway.last_error)
    assert path_of(watching) == "/wider"
    aside.rename(folder / "triplegate.yaml")
    await until(lambda: watching.gateway.last_error == "")
    write(folder, CONFIGURATION)
    await until(lambda: path_of(watching) == "/orders")
    assert state.exists()


# what might be applied --------------------------------------------------------------------------------------------
async def test_documents_are_judged_without_being_applied(building):
    assert await building.reloading.validate({"triplegate.yaml": WIDER}) == []
    (fault,) = await building.reloading.validate({"triplegate.yaml": BROKEN})
    assert (fault.pointer, "servic" in fault.message) == ("triplegate.yaml:4:12", True)
    assert path_of(building) == "/orders"


async def test_documents_in_several_files_are_judged_together(building):
    services, _, rest = CONFIGURATION.strip().partition("\n")
    assert await building.reloading.validate({"apis/services.yaml": services, "triplegate.yaml": rest}) == []
    assert await building.reloading.validate({"triplegate.yaml": rest}) != []


async def test_secrets_of_the_environment_are_there_when_documents_are_judged(building, folder, monkeypatch):
    monkeypatch.setenv("SOME_PEPPER", "grains")
    here = Reloading(building.gateway, building.reloading.loaded, folder, registry())
    assert await here.validate({"triplegate.yaml": "pepper: env:SOME_PEPPER\n" + CONFIGURATION}) == []
    monkeypatch.delenv("SOME_PEPPER")
    (fault,) = await here.validate({"triplegate.yaml": "pepper: env:SOME_PEPPER\n" + CONFIGURATION})
    assert "nothing at 'env:SOME_PEPPER'" in fault.message


@pytest.mark.parametrize("name", ["../up.yaml", "/etc/up.yaml", "up.txt", "a/../../up.yaml", "nul\0.yaml", ""])
async def test_only_relative_yaml_files_are_judged_and_none_is_written_outside(building, name, tmp_path):
    (fault,) = await building.reloading.validate({name: "services: {}\n"})
    assert fault.pointer == name
    assert not list(tmp_path.parent.glob("up.*"))


async def test_a_file_that_is_a_directory_too_is_refused(building):
    (fault,) = await building.reloading.validate({"a.yaml": "", "a.yaml/b.yaml": ""})
    assert fault.pointer == "a.yaml/b.yaml"


async def test_whoever_wants_to_know_is_told_what_serves_now_and_after_each_good_change(building, folder):
    told = []
    building.reloading.tell(told.append)
    write(folder, BROKEN)
    await building.reloading.reload()
    assert told == [building.reloading.loaded]
    write(folder, WIDER)
    await building.reloading.reload()
    assert [one.documents.routes["orders"].match[0].path for one in told] == ["/orders", "/wider"]
