"""Put keepgate into a client's files and take it out again, without losing anything.

Install writes a backup first, then replaces the servers of a file by one entry of ours. Uninstall restores the file
byte for byte if nobody touched it since, else it takes our entry out and puts the servers back where they were, around
whatever was changed in the meantime.
"""

from __future__ import annotations

from keepgate.clients.rewrite.change import Change, Rewriter
from keepgate.clients.rewrite.disk import RefusedError
from keepgate.clients.rewrite.ledger import Ledger, Record

__all__ = ["Change", "Ledger", "Record", "RefusedError", "Rewriter"]
