"""A fresh, migrated database for each test, on both kinds."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.stores.sql.databases import KINDS, opened, url_of

from triplegate.stores.sql.engine import Database


@pytest.fixture(params=KINDS)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return await url_of(request.param, request, tmp_path)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with opened(url) as database:
        yield database
