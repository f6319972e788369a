"""The exported model, made once for all tests of this folder."""

import fcntl
import os

import pytest

from triplegate.stores.semantic.exporting import export


@pytest.fixture(scope="session")
def embedding_model(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "embedding"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:  # one of the workers makes it, the others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "model").exists():
            export(folder / "made")
            (folder / "made").rename(folder / "model")
    return folder / "model"
