"""The only wiring: configuration to objects, and the ways to run them. One file for each concern."""

from keepgate.compose.gateway import build, compiler_of, policy_of
from keepgate.compose.running import run
from keepgate.compose.secrets import Master, grant_store, resolver, rotate, secret_store
from keepgate.compose.serve import run_serve
from keepgate.compose.servers import list_servers, servers_of
from keepgate.compose.settings import limits_of, load_settings
from keepgate.compose.stdio import run_stdio

__all__ = [
    "Master",
    "build",
    "compiler_of",
    "grant_store",
    "limits_of",
    "list_servers",
    "load_settings",
    "policy_of",
    "resolver",
    "rotate",
    "run",
    "run_serve",
    "run_stdio",
    "secret_store",
    "servers_of",
]
