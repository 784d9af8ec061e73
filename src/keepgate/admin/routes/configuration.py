"""The configuration as the gateway runs with it, without secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from keepgate.admin.access import Permission
from keepgate.admin.route import route, shape


@shape
@dataclass(frozen=True, slots=True)
class ConfigurationShape:
    """The configuration in force, defaults included."""

    file: str
    configuration: dict[str, Any]
    """Values that could be secrets are left out: of variables and headers the names remain."""
    warnings: tuple[str, ...]


class Configuration(Protocol):
    """What the gateway was configured with."""

    def current(self) -> ConfigurationShape:
        """Without secrets."""


@route("GET", "/configuration", Permission.CONFIGURATION_READ)
async def get_configuration(configuration: Configuration) -> ConfigurationShape:
    """The configuration in force, without secrets."""
    return configuration.current()
