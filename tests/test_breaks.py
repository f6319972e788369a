"""The list of guards and their tests is true of the tree as it stands; `make breaks` breaks each of them."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_SPEC = importlib.util.spec_from_file_location("triplegate_breaks", ROOT / "tests" / "breaks.py")
assert _SPEC is not None
assert _SPEC.loader is not None
breaks = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(breaks)


@pytest.mark.parametrize(("file", "old", "new", "named"), breaks.entries())
def test_a_guard_stands_where_the_list_says_and_so_does_its_test(file: str, old: str, new: str, named: str) -> None:
    assert (ROOT / file).read_text().count(old) == 1
    assert old != new
    words = named.split()
    place, _, name = next(word for word in words if word.startswith("tests/")).partition("::")
    text = (ROOT / place).read_text()
    wanted = [name.partition("[")[0].split("::")[-1]] if name else []
    if "-k" in words:
        wanted += re.findall(r"\w+", words[words.index("-k") + 1])
    assert all(one in text for one in wanted)


def test_no_guard_is_listed_twice() -> None:
    lines = [line for line in breaks.LIST.read_text().splitlines() if line and not line.startswith("#")]
    assert len(set(lines)) == len(lines)
