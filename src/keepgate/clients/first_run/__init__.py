"""What `keepgate up` makes of the servers it found: a configuration with one role per server and no secret in it."""

from __future__ import annotations

from keepgate.clients.first_run.adopt import Adoption, Server, adopt, same_server
from keepgate.clients.first_run.starter import Offer, quoted, starter

__all__ = ["Adoption", "Offer", "Server", "adopt", "quoted", "same_server", "starter"]
