"""The clients whose configurations are found, shown and rewritten: one file each."""

from __future__ import annotations

from keepgate.clients.claude_code import CLAUDE_CODE
from keepgate.clients.claude_desktop import CLAUDE_DESKTOP
from keepgate.clients.cursor import CURSOR
from keepgate.clients.formats import Client
from keepgate.clients.vscode import VSCODE

CLIENTS: dict[str, Client] = {client.id: client for client in (CLAUDE_DESKTOP, CLAUDE_CODE, CURSOR, VSCODE)}
