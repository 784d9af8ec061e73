"""What was measured, on what."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
import sysconfig
from pathlib import Path

from bench.yardstick import which

ROOT = Path(__file__).resolve().parents[1]


def said(*command: str) -> str:
    """What a program prints, on one line."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    return " ".join((done.stdout + done.stderr).split())


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def build() -> str:
    """The commit, and whether something in it was changed, other than by a bench before this one."""
    if not (ROOT / ".git").exists():
        return "unknown"
    changed = said("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/benchmarks.md")
    return said("git", "rev-parse", "--short", "HEAD") + (" with changes" if changed else "")


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    flags = sysconfig.get_config_var("CONFIG_ARGS") or ""
    guided = "with" if "--enable-optimizations" in flags else "without"
    return (
        f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GB, Linux {platform.release().partition('-')[0]}, "
        f"CPython {platform.python_version()} built {guided} profile-guided optimisation"
    )


def versions() -> str:
    names = (
        "uvloop",
        "httptools",
        "jiter",
        "orjson",
        "cedarpy",
        "cryptography",
        "jsonschema-rs",
        "google-re2",
        "hyperscan",
        "mcp",
    )
    there = {d.metadata["Name"].lower().replace("_", "-") for d in importlib.metadata.distributions()}
    found = [
        f"{name} {importlib.metadata.version(name)}" if name in there else f"no {name}" for name in names
    ]
    nginx = said(str(which("nginx")), "-v").rpartition("/")[2]
    return ", ".join([f"nginx {nginx.split()[0] if nginx else ''}", *found])


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
