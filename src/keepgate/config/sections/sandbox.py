"""What the process of a server may see, touch and reach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from keepgate.config import values
from keepgate.config.sections.types import MIB, Count

Network = Annotated[
    str | tuple[str, ...], PlainValidator(values.network), WithJsonSchema(values.NETWORK_SCHEMA)
]
Much = Annotated[int, Field(ge=MIB, le=1024 * 1024 * MIB)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxLimits:
    """Bounds on the processes of a server."""

    memory_bytes: Much = 4096 * MIB
    """Data that each process may have."""
    processes: Count = 512
    """Processes and threads, together."""
    files: Count = 4096
    """Open descriptors of each process."""
    cpu_seconds: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Processor time of each process; 0 is no bound."""
    scratch_bytes: Much = 512 * MIB
    """What `/tmp`, and the empty home directory, may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """What the process of a server may see, touch and reach."""

    mode: Literal["off", "observe", "dev", "strict"] = "dev"
    """`strict`: contained, or not started. `dev`: sees `cwd` as well, and runs all the same, loudly, where nothing can
    contain it. `observe`: with all of your rights, and what it uses is noted. `off`: with all of your rights."""
    read: tuple[Path, ...] = ()
    """Files and directories that it may read. Relative paths start at the configuration file."""
    write: tuple[Path, ...] = ()
    """Files and directories that it may change."""
    network: Network = "none"
    """`none`, a list of `host:port` that it may reach, or `host`: the network of this machine, all of it."""
    limits: SandboxLimits = SandboxLimits()
    """Bounds on its processes."""
