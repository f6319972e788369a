"""Which tools of a server are called only after somebody's yes."""

from triplegate.config.documents_approval import ApprovalRule
from triplegate.gates.mcp.patterns import glob


class ApprovalRules:
    """The rules of one server, ready to be asked."""

    __slots__ = ("_rules",)

    def __init__(self, written: tuple[ApprovalRule, ...]) -> None:
        self._rules = tuple((glob(rule.tools), rule) for rule in written)

    def of(self, tool: str) -> ApprovalRule | None:
        """The first that is for a tool, by its name at the server."""
        for fits, rule in self._rules:
            if fits(tool):
                return rule
        return None
