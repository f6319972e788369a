"""The starter configuration is right, starts, and never replaces another one."""

from tests.journeys.running import House

from triplegate.cli.init import STARTER


def test_what_it_writes_passes_check_and_serves(command, tmp_path):
    done = command("init", "mine")
    assert done.status == 0
    assert "triplegate serve --config mine" in done.out
    checked = command("check", "--config", "mine")
    assert checked.status == 0, checked.err
    assert "good: 1 routes, 1 models" in checked.out
    assert (tmp_path / "mine" / ".gitignore").read_text() == ".triplegate/\n"
    with House(tmp_path / "mine") as house:
        assert [route["name"] for route in house.admin("GET", "/routes").json()] == ["orders", "smart"]
        assert house.key().startswith("tg_live_")


def test_an_existing_configuration_stays_as_it_is(command, tmp_path):
    (tmp_path / "triplegate.yaml").write_text("services: {}\n")
    done = command("init", ".")
    assert (done.status, done.out) == (1, "")
    assert done.err == "triplegate.yaml exists already: it stays as it is\n"
    assert (tmp_path / "triplegate.yaml").read_text() == "services: {}\n"


def test_a_directory_that_cannot_be_made_is_a_sentence(command, tmp_path):
    (tmp_path / "file").write_text("")
    done = command("init", "file/below")
    assert (done.status, done.err) == (1, "file/below: Not a directory\n")


def test_the_starter_names_no_secret():
    assert "env:OPENAI_API_KEY" in STARTER
    assert "sk-" not in STARTER
