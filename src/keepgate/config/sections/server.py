"""One MCP server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from keepgate.config import values
from keepgate.config.sections.auth import Auth
from keepgate.config.sections.sandbox import Sandbox
from keepgate.config.sections.types import AnyValue, CallSeconds, EnvName, HeaderName, Words
from keepgate.policy.conditions import Data, Trust
from keepgate.policy.roles import Mode
from keepgate.policy.servers import Classes, Effects

Revision = Literal["auto", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamTls:
    """How to meet a server over HTTPS, PEM files. Relative paths start at the configuration file."""

    ca: Path | None = None
    """Authorities for its certificate instead of the system's."""
    cert: Path | None = None
    """Certificate chain to show to it."""
    key: Path | None = None
    """Private key of `cert`, not encrypted, readable by nobody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One MCP server: a `command` to start or a `url` to reach."""

    command: Words = ()
    """The program and its arguments, as a list. Started without a shell."""
    args: tuple[str, ...] = ()
    """More arguments, as client configurations write them."""
    url: Annotated[str, AfterValidator(values.url)] = ""
    """Where the server answers: `https://...`."""
    env: Mapping[EnvName, AnyValue] = field(default_factory=dict)
    """Variables to set for the program. Write secrets as references: `{secret: "env:NAME"}`."""
    pass_env: tuple[EnvName, ...] = ()
    """Variables of keepgate's own environment that the program may see."""
    headers: Mapping[HeaderName, AnyValue] = field(default_factory=dict)
    """HTTP headers to send to `url`. Write secrets as references."""
    auth: Auth | None = None
    """How keepgate is authorized there, where static `headers` do not do."""
    allow_private: bool = False
    """The name in `url` may stand for an address of a private network or of this machine."""
    tls: UpstreamTls = UpstreamTls()
    """Certificates, where those of the system do not do."""
    sandbox: Sandbox = Sandbox()
    """What the program may see, touch and reach."""
    warm: Annotated[int, Field(ge=0, le=8)] = 0
    """Processes of it that are kept started ahead, for servers that take long to start."""
    cwd: Path = Path()
    """Directory to start the program in. Relative paths start at the configuration file."""
    prefix: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_.-]|\{server\}){0,64}$")] = "{server}_"
    """Put before the names of its tools and prompts; `{server}` is the server's id, "" is no prefix."""
    protocol: Revision = "auto"
    """The revision to speak with it, or `auto`."""
    timeout: CallSeconds | None = None
    """Seconds; instead of `limits.call_timeout`."""
    mode: Mode = "enforce"
    """`observe`: what policy refuses on this server is recorded and let through, whoever asks."""
    instructions: bool | None = None
    """Pass the server's instructions on. Without this key: only where it is mounted alone, `/mcp/<server>`."""

    trust: Trust = "untrusted"
    """How far this server is trusted: an attribute for policies."""
    owner: str = ""
    """Who answers for it: an attribute for policies."""
    data: Data = "restricted"
    """Classification of what it holds: an attribute for policies."""
    tools: Mapping[str, Effects] = field(default_factory=dict)
    """What its tools do, by name or pattern (`read_*`), for policies. What they say of themselves is not asked."""

    flow: Classes = Classes()
    """What it brings into a flow, where its tools say nothing of themselves here."""

    @property
    def argv(self) -> tuple[str, ...]:
        """The whole command line; empty for a server reached by URL."""
        return self.command + self.args
