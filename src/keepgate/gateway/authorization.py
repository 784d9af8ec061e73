"""The policy engine as the gateway uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from keepgate.decide.guards.authorize import Policy
from keepgate.gateway.services import Policy as Visibility
from keepgate.policy.assess import Assessed
from keepgate.policy.context import Needs
from keepgate.policy.servers import Server


class Engine(Policy, Visibility, Protocol):
    """Decides, says what is visible, and which policy set it is."""

    @property
    def needs(self) -> Needs:
        """What it reads of the context."""

    @property
    def assessing(self) -> bool:
        """Whether it asks what tools do."""

    def use_assessed(self, assessed: Assessed) -> None:
        """What was read of the tools there are."""

    @property
    def tracing(self) -> bool:
        """Whether it asks what arguments repeat."""

    @property
    def servers(self) -> Mapping[str, Server]:
        """What the administrator says of each."""

    @property
    def said(self) -> str:
        """What observe mode lets through, in words; empty for nothing."""

    @property
    def hash(self) -> str:
        """Of everything that decides, hex."""
