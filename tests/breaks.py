"""Break each guard in a copy of the tree and see its test go red: a guard that nothing misses guards nothing.

`python tests/breaks.py [WORD]` takes every entry of tests/breaks.txt (whose lines hold WORD). An entry is
`file :: text to find :: text in its place :: pytest arguments`; the text stands exactly once in the file.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests" / "breaks.txt"
LONGEST = 60.0


def entries(word: str = "") -> list[tuple[str, str, str, str]]:
    """The entries as (file, found, replaced by, test); raises ValueError for a malformed line."""
    found: list[tuple[str, str, str, str]] = []
    for number, line in enumerate(LIST.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#") or word not in line:
            continue
        parts = line.split(" :: ")
        if len(parts) != 4:
            raise ValueError(f"tests/breaks.txt:{number} has not four parts")
        found.append((parts[0].strip(), parts[1], parts[2], parts[3].strip()))
    return found


def run_test(tree: Path, test: str) -> subprocess.CompletedProcess[str]:
    """Run a test of that tree against that tree's code."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *test.split()]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=LONGEST)


def survives(tree: Path, file: str, old: str, new: str, test: str) -> str:
    """Empty when the test goes red without the guard; else what is wrong with the entry."""
    path = tree / file
    whole = path.read_text()
    if whole.count(old) != 1:
        return f"'{old}' stands {whole.count(old)} times in {file}"
    sound = run_test(tree, test)
    if sound.returncode != 0:
        return f"{test} is not green with the guard:\n{sound.stdout[-1500:]}"
    path.write_text(whole.replace(old, new))
    try:
        broken = run_test(tree, test)
    except subprocess.TimeoutExpired:
        return ""  # it hangs without its guard: that is red
    finally:
        path.write_text(whole)
    return f"{test} stays green without '{old}' in {file}" if broken.returncode == 0 else ""


def main() -> int:
    """Go through the list; the exit status."""
    chosen = entries(sys.argv[1] if len(sys.argv) > 1 else "")
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(
            ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", ".triplegate", ".peers", "__pycache__")
        )
        for file, old, new, test in chosen:
            begun = time.monotonic()
            wrong = survives(tree, file, old, new, test)
            failures += bool(wrong)
            print(f"{'MISSED' if wrong else 'red   '} {time.monotonic() - begun:5.1f} s  {file}: {old.strip()[:60]}")
            if wrong:
                print(f"       {wrong}")
    print(f"{len(chosen) - failures} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
