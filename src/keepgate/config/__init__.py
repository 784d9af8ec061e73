"""The configuration file: found, read strictly, explained line by line when wrong, handed on as plain data.

Nothing here opens a socket, starts a program or fetches a secret: `compose` does, with the `Settings` made here.
"""

from keepgate.config.load import load, parse, read_policies, read_tree, stamp
from keepgate.config.reference import diff, json_schema
from keepgate.config.sections.access import Access
from keepgate.config.sections.auth import Auth
from keepgate.config.sections.identity import Identity, Tls
from keepgate.config.sections.limits import Limits
from keepgate.config.sections.server import Server
from keepgate.config.sections.vault import Kms, Sealing
from keepgate.config.settings import Document, Resolver, Settings, resolve
from keepgate.config.values import Secret, Value

__all__ = [
    "Access",
    "Auth",
    "Document",
    "Identity",
    "Kms",
    "Limits",
    "Resolver",
    "Sealing",
    "Secret",
    "Server",
    "Settings",
    "Tls",
    "Value",
    "diff",
    "json_schema",
    "load",
    "parse",
    "read_policies",
    "read_tree",
    "resolve",
    "stamp",
]
