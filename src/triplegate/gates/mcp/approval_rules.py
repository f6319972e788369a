"""Which tools of a server are called only after somebody's yes, and which calls of them."""

from triplegate.config.documents_approval import ApprovalRule
from triplegate.core.identity import Principal
from triplegate.gates.mcp.arguments import arguments_of
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.patterns import glob
from triplegate.gates.mcp.when import When, about


class ApprovalRules:
    """The rules of one server, ready to be asked."""

    __slots__ = ("_rules",)

    def __init__(self, written: tuple[ApprovalRule, ...]) -> None:
        self._rules = tuple(
            [(glob(rule.tools), rule, None if rule.when is None else When(rule.when)) for rule in written]
        )

    def of(self, tool: str, call: McpCall, principal: Principal) -> ApprovalRule | None:
        """The first that is for a call of a tool, by its name at the server; one that cannot be told not to be is."""
        asked = None
        for fits, rule, when in self._rules:
            if not fits(tool):
                continue
            if when is None:
                return rule
            if asked is None:
                asked = about(principal) | {"args": arguments_of(call)}
            if when.says(asked) is not False:
                return rule
        return None

    def told(self, tool: str) -> str:
        """Who has to approve calls of a tool, and which, for whoever looks at it; empty: nobody."""
        lines = []
        for fits, rule, _ in self._rules:
            if fits(tool):
                lines.append(f"by the {rule.by}" + (f" when {rule.when}" if rule.when else ""))
                if rule.when is None:
                    break
        return "; ".join(lines)
