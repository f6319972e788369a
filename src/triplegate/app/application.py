"""The Litestar application with its two doors."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Litestar

Plane = Callable[[Any, Any, Any], Awaitable[None]]


class Triplegate(Litestar):
    """One application, two doors: the data socket calls `app`, the control socket `app.control`.

    Which plane a request is on is decided by the socket it came in on, never by a path or a header. The data door
    does not go through Litestar's routing, which costs 13-97 µs and rewrites the path; lifespan does.
    """

    def __init__(self, plane: Plane, **litestar: Any) -> None:
        self.plane = plane
        super().__init__(logging_config=None, **litestar)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The data plane; lifespan goes to Litestar."""
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        await self.plane(scope, receive, send)

    async def control(self, scope: Any, receive: Any, send: Any) -> None:
        """The control plane: Litestar's own routing."""
        await super().__call__(scope, receive, send)
