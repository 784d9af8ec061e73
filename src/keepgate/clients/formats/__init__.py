"""What the client formats share. Knows none of them."""

from __future__ import annotations

from keepgate.clients.formats import edit
from keepgate.clients.formats.client import (
    ENTRY,
    KEY_ENV,
    Client,
    Gateway,
    KeyPath,
    Machine,
    Place,
    http_entry,
    stdio_entry,
)
from keepgate.clients.formats.read import Problem, Reading, containers, read
from keepgate.clients.formats.secrets import (
    MASK,
    is_secret,
    masked,
    secret_address,
    secret_args,
    show_args,
    show_url,
)
from keepgate.clients.formats.source import MAX_BYTES, UnreadableError, printable, read_bytes, to_text
from keepgate.protocol.jsonc import JsoncError, Node, pointer, scan

__all__ = [
    "ENTRY",
    "KEY_ENV",
    "MASK",
    "MAX_BYTES",
    "Client",
    "Gateway",
    "JsoncError",
    "KeyPath",
    "Machine",
    "Node",
    "Place",
    "Problem",
    "Reading",
    "UnreadableError",
    "containers",
    "edit",
    "http_entry",
    "is_secret",
    "masked",
    "pointer",
    "printable",
    "read",
    "read_bytes",
    "scan",
    "secret_address",
    "secret_args",
    "show_args",
    "show_url",
    "stdio_entry",
    "to_text",
]
