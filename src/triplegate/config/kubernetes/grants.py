"""Who may refer to objects of another namespace: ReferenceGrants, which stand in the namespace referred to."""

from triplegate.config.kubernetes.inventory import Inventory
from triplegate.config.kubernetes.objects import GATEWAY_GROUP, Object
from triplegate.config.kubernetes.objects_gateway import ReferenceGrantObject


class Grants:
    """All grants of a configuration."""

    def __init__(self, inventory: Inventory) -> None:
        self._grants = inventory.every(ReferenceGrantObject)

    def permit(self, source: Object, kind: str, namespace: str, name: str) -> bool:
        """Whether `source` may refer to that object of the core group: its own namespace always."""
        if source.namespace == namespace:
            return True
        return any(
            any(
                one.group == GATEWAY_GROUP and one.kind == source.kind and one.namespace == source.namespace
                for one in grant.spec.from_
            )
            and any(one.group == "" and one.kind == kind and one.name in (None, "", name) for one in grant.spec.to)
            for grant in self._grants
            if grant.namespace == namespace
        )
