"""What `--second-try` makes of tests that fail once, always, or in the set-up of what they share."""

import subprocess
import sys
from pathlib import Path

TESTS = """
import pathlib, pytest
here = pathlib.Path(__file__).parent
def again(name):
    with (here / name).open("a") as file:
        file.write("x")
    return (here / name).stat().st_size
@pytest.fixture(scope="module")
def shared():
    assert again("shared") == 2
    return 1
def test_first_time_only():
    assert again("once") == 2
def test_with_what_is_shared(shared):
    assert shared == 1
def test_after_it(shared):
    assert again("after") == shared
def test_always():
    assert again("always") == 0
"""


def test_one_failure_is_named_and_two_are_a_failure(tmp_path):
    (tmp_path / "test_them.py").write_text(TESTS)
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "pytest", "-p", "tests.second_try", "-p", "no:cacheprovider", "-n", "1"]
    for more, ends in (
        (["--second-try"], "1 failed, 3 passed, 3 again"),
        ([], "2 failed, 2 errors"),
    ):
        for file in ("once", "shared", "after", "always"):
            (tmp_path / file).unlink(missing_ok=True)
        done = subprocess.run(
            [*command, "--rootdir", str(tmp_path), *more, str(tmp_path)],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert ends in done.stdout, done.stdout
        assert done.returncode == 1
        assert ("first try of test_them.py::test_first_time_only" in done.stdout) == bool(more)
        if more:
            assert len((tmp_path / "always").read_text()) == 2
