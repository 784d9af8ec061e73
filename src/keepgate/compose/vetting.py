"""What the gateway would withhold of servers for what they say of themselves, without a gateway."""

from __future__ import annotations

from collections.abc import Mapping

from keepgate.config import Settings
from keepgate.gateway.inventory import Inventory
from keepgate.gateway.pins import Withheld
from keepgate.gateway.vetting import Vetting
from keepgate.model.errors import KeepgateError


class _Collected(list[Withheld]):
    """gateway.vetting.Hearer."""

    def refused(self, what: Withheld) -> None:
        """Told once for each."""
        self.append(what)


def refused_of(settings: Settings, found: Mapping[str, Inventory | KeepgateError]) -> list[Withheld]:
    """What is refused of the servers that answered, each judged with the tools of all the others. Raises LocalError."""
    from keepgate.config.inspection import content_guard_of

    guard = content_guard_of(settings)
    told = _Collected()
    if guard is None:
        return told
    vetting = Vetting(guard, told, settings.limits.list_items)
    listed = {name: each for name, each in found.items() if isinstance(each, Inventory)}
    made = {name: vetting.of(name, settings.servers[name].prefix) for name in listed}
    for name, inventory in listed.items():
        made[name].learn(inventory.tools)
    for name, inventory in listed.items():
        for method, items in inventory.definitions.items():
            made[name].listed(method, items).faults()
        if inventory.instructions:
            made[name].instructions(inventory.instructions)
    return told
