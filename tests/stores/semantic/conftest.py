"""The exported model, made once for all tests of this folder."""

import pytest

from triplegate.stores.semantic.exporting import export


@pytest.fixture(scope="session")
def embedding_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embed")
    export(folder)
    return folder
