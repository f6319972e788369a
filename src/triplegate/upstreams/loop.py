"""The event loop of a gateway: names that its stores connect to are looked up like those of upstreams (F-27)."""

from typing import Any

import uvloop

from triplegate.upstreams.resolve import Resolver, literal
from triplegate.upstreams.supervisor import TaskSupervisor

_RENEWALS = 64
"""Names asked for again or waiting for it."""


class Loop(uvloop.Loop):
    """uvloop's own look-ups have few threads, which the end of the process waits for, and remember nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._names = Resolver(supervisor=TaskSupervisor(_RENEWALS))

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """As ever; the addresses of a name are tried one after the other."""
        if not isinstance(host, str) or not isinstance(port, int) or literal(host, port) is not None:
            return await super().create_connection(protocol_factory, host, port, **options)
        if options.get("ssl") and options.get("server_hostname") is None:
            options["server_hostname"] = host
        failed: list[OSError] = []
        for address in await self._names.addresses(host, port):
            try:
                return await super().create_connection(protocol_factory, address.sockaddr[0], port, **options)
            except OSError as error:
                failed.append(error)
                self._names.doubt(host, port, [address])
        raise failed[0]
