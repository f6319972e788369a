"""Everything the control plane's handlers may use, given to them by dependency injection as one thing."""

from pathlib import Path

from triplegate.control.admin.sign_ins import SignIns
from triplegate.control.admin.throttle import Throttle
from triplegate.control.admin.tokens import Tokens
from triplegate.control.budgets.listing import BudgetHouse, NoBudgets
from triplegate.control.telemetry.collect import Telemetry
from triplegate.control.tools.approving import ApprovalHouse, NoApprovals
from triplegate.control.tools.house import NoTools, ToolHouse
from triplegate.control.view import Books, GatewayView, KeyStore, TokenStore
from triplegate.core.clock import Clock


class Parts:
    """The house as seen from the control plane, its stores, and who is signed in."""

    def __init__(  # noqa: PLR0913 - each part once
        self,
        *,
        view: GatewayView,
        telemetry: Telemetry,
        keys: KeyStore,
        tokens: TokenStore,
        books: Books,
        pepper: bytes,
        clock: Clock,
        bootstrap: Path | None = None,
        budgets: BudgetHouse | None = None,
        tools: ToolHouse | None = None,
        approvals: ApprovalHouse | None = None,
    ) -> None:
        self.view, self.telemetry, self.keys, self.books = view, telemetry, keys, books
        self.pepper, self.clock = pepper, clock
        self.tokens = Tokens(tokens, pepper, clock)
        self.sign_ins = SignIns(clock)
        self.throttle = Throttle(clock)
        self.budgets: BudgetHouse = budgets or NoBudgets()
        self.tools: ToolHouse = tools or NoTools()
        self.approvals: ApprovalHouse = approvals or NoApprovals()
        self.bootstrap = bootstrap
        """Where a bootstrap token is written; removed once it is spent."""
