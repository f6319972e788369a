"""Composition root: settings become ports, a gateway and `Triplegate(Litestar)` on its listeners."""

from triplegate.app.application import Triplegate
from triplegate.app.building import Building
from triplegate.app.listen import listen

__all__ = ["Building", "Triplegate", "listen"]
