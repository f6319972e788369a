"""Everything the control plane's handlers may use, given to them by dependency injection as one thing."""

from pathlib import Path

from triplegate.control.admin.sign_ins import SignIns
from triplegate.control.admin.throttle import Throttle
from triplegate.control.admin.tokens import Tokens
from triplegate.control.reports.spending import Ask
from triplegate.control.telemetry.collect import Telemetry
from triplegate.control.view import GatewayView, KeyStore, TokenStore, UsageSource
from triplegate.core.clock import Clock


class Parts:
    """The house as seen from the control plane, its stores, and who is signed in."""

    def __init__(  # noqa: PLR0913 - each of them named once
        self,
        *,
        view: GatewayView,
        telemetry: Telemetry,
        keys: KeyStore,
        tokens: TokenStore,
        usage: UsageSource,
        spending: Ask,
        pepper: bytes,
        clock: Clock,
        bootstrap: Path | None = None,
    ) -> None:
        self.view, self.telemetry, self.keys, self.usage = view, telemetry, keys, usage
        self.pepper, self.clock, self.spending = pepper, clock, spending
        self.tokens = Tokens(tokens, pepper, clock)
        self.sign_ins = SignIns(clock)
        self.throttle = Throttle(clock)
        self.bootstrap = bootstrap
        """Where a bootstrap token is written; removed once it is spent."""
