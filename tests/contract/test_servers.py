"""The test servers are what they say, answer, fail on demand and leave nothing behind."""

import asyncpg
import redis.asyncio as redis_client
from tests.servers.redis import RedisServer


async def test_redis_and_valkey_answer_with_the_promised_versions(redis_url: str, valkey_url: str) -> None:
    for url, field, version in ((redis_url, "redis_version", "8.2"), (valkey_url, "valkey_version", "9.")):
        async with redis_client.from_url(url) as client:
            answer = await client.info("server")
        assert str(answer[field]).startswith(version)


async def test_postgres_answers_as_version_18_and_gives_each_test_a_database(
    postgres_url: str, fresh_postgres_url: str
) -> None:
    connection = await asyncpg.connect(fresh_postgres_url, timeout=10)
    try:
        assert connection.get_server_version().major == 18
        assert await connection.fetch("select 1 from pg_tables where schemaname = 'public'") == []
    finally:
        await connection.close()
    assert postgres_url != fresh_postgres_url


def test_a_stopped_server_leaves_no_folder_and_no_listener() -> None:
    import socket

    import pytest

    server = RedisServer("redis").start()
    folder = server.folder
    server.stop()
    assert not folder.exists()
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=1):
        pass
