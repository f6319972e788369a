"""A command that may use less: limits hold for good, and no right comes back. Seen by what real processes print."""

import os
import subprocess
import sys

import pytest

from triplegate.upstreams.stdio_launch import launched

LIMITS = {"memory": 64 << 20, "cpu": 100, "files": 64, "processes": 4096}
SOMEBODY = (65534, 65534, [65534])
ROOT = os.geteuid() == 0
USER = SOMEBODY if ROOT else None  # whoever is root may lift limits


def run(program: str, limits: dict[str, int] = LIMITS, user: "tuple[int, int, list[int]] | None" = USER):
    argv = launched(("/bin/sh", "-c", program), limits, user)
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, cwd="/", env={"PATH": "/usr/bin:/bin"})


def status(name: str) -> str:
    """A shell's line that prints a field of /proc/self/status."""
    return f"while read field value; do case $field in {name}:) echo $value;; esac; done < /proc/self/status"


def test_without_limits_and_user_nothing_stands_between():
    assert launched(("/bin/x", "a"), {}, None) == ("/bin/x", "a")


def test_limits_cannot_be_lifted():
    lifting = "; ".join(f"ulimit -{way}{kind} 1048576 2>/dev/null" for kind in "nd" for way in "HS")
    told = run(
        f"{lifting}; for kind in n d t; do ulimit -H$kind; ulimit -S$kind; done; ulimit -Hp 2>/dev/null || ulimit -Hu"
    )
    assert told.stdout.split() == ["64", "64", "65536", "65536", "100", "100", "4096"], told


def test_what_needs_more_memory_does_not_get_it():
    doubled = "x=0123456789abcdef; i=0; while [ $i -lt 24 ]; do x=$x$x; i=$((i+1)); done; echo all"
    told = run(doubled)
    assert (told.returncode != 0, told.stdout) == (True, ""), told


def test_a_limit_is_never_above_our_own():
    import resource

    own = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    told = run("ulimit -Hn", {"files": own + 1})
    assert told.stdout.strip() == str(own)


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux shows it")
def test_no_right_comes_back():
    told = run(f"{status('NoNewPrivs')}; {status('CapEff')}; {status('CapPrm')}; {status('SigIgn')}")
    assert told.stdout.split()[:3] == ["1", "0" * 16, "0" * 16], told
    ignored = int(told.stdout.split()[3], 16)
    assert not ignored & (1 << 12 | 1 << 24), "SIGPIPE and SIGXFSZ mean what they always mean"


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
def test_it_is_somebody_else_and_nobody_besides():
    told = run(f"id -u; id -g; id -G; {status('Uid')}; {status('Gid')}; kill -0 {os.getpid()} || echo out of reach")
    assert told.stdout.splitlines() == ["65534"] * 3 + ["65534 65534 65534 65534"] * 2 + ["out of reach"], told


def test_what_cannot_be_run_so_is_not_run_at_all(tmp_path):
    for argv, user in ((("touch", "made"), USER), (("/no/such/program",), USER)):
        wanted = launched(argv, {"files": 64}, user)
        told = subprocess.run(wanted, capture_output=True, text=True, timeout=30, cwd=tmp_path)
        assert (told.returncode, told.stderr.startswith("it cannot be run so: ")) == (126, True), told
    if not ROOT:
        told = run("echo ran", {}, SOMEBODY)
        assert (told.returncode, told.stdout) == (126, "")
