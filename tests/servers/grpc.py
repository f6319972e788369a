"""The sample echo in the test's own loop, so that a test can look into it."""

from contextlib import asynccontextmanager

import grpc.aio
from tests.servers.spawn import free_port

from triplegate.samples.grpc_echo import Echo


@asynccontextmanager
async def echoing(credentials=None, port=None):
    """An Echo that serves; its address stands in `url`."""
    echo = Echo()
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((echo,))
    port = free_port() if port is None else port
    if credentials is None:
        port = server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        port = server.add_secure_port(f"127.0.0.1:{port}", credentials)
    await server.start()
    echo.port, echo.url = port, f"{'http' if credentials is None else 'https'}://127.0.0.1:{port}"
    try:
        yield echo
    finally:
        await server.stop(0)
