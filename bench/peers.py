"""Other MCP forwarders, each as its own documentation starts it, with no more switched on than it needs to forward.

None of them writes a sealed record or inspects anything here; most have no policy. `make bench-peers` installs them.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from bench.contender import Contender, Running, Site
from bench.processes import UnfitError, free_port

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = ROOT / ".cache" / "bench"
HERE = ROOT / "bench"

HTTP = ("S1", "S1c8", "S2", "S3", "S4", "S6")
STDIO = ("S7", "S7m")


def installed(path: str) -> Path:
    """A program of a peer."""
    found = INSTALLED / path
    if not found.exists():
        raise UnfitError("not installed: make bench-peers")
    return found


def sdk(site: Site) -> Running:
    port = free_port()
    command = [sys.executable, HERE / "sdk_forwarder.py", port, site.upstream]
    return Running(site.url(port), site.stage.start("sdk", command, port=port).pid)


def fastmcp(how: str, site: Site) -> Running:
    port = free_port()
    command = [installed("fastmcp/bin/python"), HERE / "fastmcp_proxy.py", how, port, site.upstream]
    return Running(site.url(port), site.stage.start(f"fastmcp-{how}", command, port=port).pid)


def mcp_proxy(site: Site, *options: str) -> Running:
    port = free_port()
    command = [installed("mcp-proxy/bin/mcp-proxy"), "--port", port, "--log-level", "ERROR", *options]
    server = ["--", site.program, "stdio"]
    return Running(
        site.url(port), site.stage.start("mcp-proxy" + "".join(options), [*command, *server], port=port).pid
    )


def node(name: str, site: Site, *options: object) -> Running:
    """A program from npm."""
    port = free_port()
    program = installed(f"npm/node_modules/.bin/{name}")
    command = [ROOT / ".cache" / "peers" / "bin" / "node", program.resolve(), "--port", port, *options]
    return Running(site.url(port), site.stage.start(f"npm-{name}", command, port=port).pid)


def npm_mcp_proxy(site: Site) -> Running:
    options = ["--host", "127.0.0.1", "--server", "stream", "--upstreamProtocol", "auto", "--no-eventStore"]
    return node("mcp-proxy", site, *options, "--", site.program, "stdio")


def supergateway(site: Site) -> Running:
    options = ["--outputTransport", "streamableHttp", "--stateful", "--logLevel", "none"]
    return node("supergateway", site, "--stdio", f"{site.program} stdio", *options)


def litellm(site: Site) -> Running:
    """Its proxy with one worker, the master key, no database, telemetry off."""
    port = free_port()
    place = site.stage.place("litellm")
    server = {"url": site.upstream, "transport": "http", "allow_all_keys": True}
    whole = {"general_settings": {"master_key": "sk-bench"}, "mcp_servers": {"up": server}}
    (place / "config.yaml").write_text(json.dumps(whole))
    command = [installed("litellm/bin/litellm"), "--config", place / "config.yaml", "--host", "127.0.0.1"]
    process = site.stage.start(
        "litellm",
        [*command, "--port", port, "--telemetry", "False"],
        port=port,
        env={"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"},
        patience=180,
    )
    return Running(
        site.url(port, "/up/mcp"), process.pid, {"x-litellm-api-key": "Bearer sk-bench"}, tool="up-echo"
    )


FORGE = {
    "JWT_SECRET_KEY": "bench-signing-secret-of-more-than-32-bytes",
    "AUTH_ENCRYPTION_SECRET": "bench-encryption-secret-of-more-than-32",
    "BASIC_AUTH_PASSWORD": "Bench@Local2026x",
    "PLATFORM_ADMIN_EMAIL": "admin@example.com",
    "PLATFORM_ADMIN_PASSWORD": "Bench@Local2026y",
    "DEFAULT_USER_PASSWORD": "Bench@Local2026z",
    "DATABASE_URL": "sqlite:///./mcp.db",
    "CACHE_TYPE": "memory",
    "MCPGATEWAY_UI_ENABLED": "false",
    "MCPGATEWAY_ADMIN_API_ENABLED": "false",
    "PLUGINS_ENABLED": "false",
    "RATE_LIMITING_ENABLED": "false",
    "LOG_LEVEL": "ERROR",
    "SSRF_ALLOW_LOCALHOST": "true",
    "SSRF_ALLOW_PRIVATE_NETWORKS": "true",
}
"""JWT on; SQLite, cache in memory, one worker; plugins, user interface, rate limits and its Rust runtime off."""


def contextforge(site: Site) -> Running:
    """As `pip install` gives it. It is meant for Postgres, Redis and its Rust runtime, which are not measured."""
    port = free_port()
    python = installed("contextforge/bin/python")
    command = [python, "-m", "mcpgateway.cli", "--host", "127.0.0.1", "--port", port]
    process = site.stage.start("contextforge", command, port=port, env=FORGE, patience=240)
    make = [python, "-m", "mcpgateway.utils.create_jwt_token", "--username", FORGE["PLATFORM_ADMIN_EMAIL"]]
    secret = ["--admin", "--exp", "1000", "--secret", FORGE["JWT_SECRET_KEY"]]
    made = subprocess.run(
        [*make, *secret],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | FORGE,
        cwd=site.stage.directory,
    )
    if made.returncode:
        raise UnfitError(f"makes no token: {made.stderr.strip()[-200:]}")
    headers = {"Authorization": f"Bearer {made.stdout.splitlines()[0].strip()}"}
    entry = {"name": "up", "url": site.upstream, "transport": "STREAMABLEHTTP"}
    register(site.url(port, "/gateways"), headers, entry)
    return Running(site.url(port, "/mcp/"), process.pid, headers, tool="up-echo")


def register(url: str, headers: Mapping[str, str], entry: Mapping[str, Any], patience: float = 120.0) -> None:
    """Tell it about the upstream, as soon as it answers at all."""
    deadline = time.monotonic() + patience
    with httpx2.Client(headers=dict(headers), timeout=60, trust_env=False) as web:
        while True:
            try:
                reply = web.post(url, json=entry)
            except httpx2.TransportError as e:
                if time.monotonic() > deadline:
                    raise UnfitError(f"does not answer: {e!r}") from None
                time.sleep(0.5)
                continue
            if reply.status_code >= 300:
                raise UnfitError(f"refuses the upstream: {reply.text[:200]}")
            return


PEERS = (
    Contender(
        "sdk", sdk, "mcp 2.3, its server in front of its connected client: bench/sdk_forwarder.py", HTTP, 2
    ),
    Contender(
        "fastmcp connected",
        lambda site: fastmcp("connected", site),
        "fastmcp 4.1, create_proxy(connected client): bench/fastmcp_proxy.py",
        HTTP,
        2,
    ),
    Contender(
        "fastmcp default",
        lambda site: fastmcp("default", site),
        "fastmcp 4.1, create_proxy(url)",
        ("S1", "S1c8", "S6"),
        5,
    ),
    Contender("litellm", litellm, "LiteLLM 1.106, one worker, master key, no database", ("S6",), 5),
    Contender(
        "contextforge",
        contextforge,
        "ContextForge 1.0.7.post20260921 with SQLite, cache in memory, plugins, rate limits and Rust runtime off",
        ("S6",),
        5,
    ),
    Contender("mcp-proxy", mcp_proxy, "mcp-proxy 0.13 (PyPI)", ("S7",)),
    Contender("npm mcp-proxy", npm_mcp_proxy, "mcp-proxy 6.7.19 (npm), no event store", STDIO),
    Contender("supergateway", supergateway, "supergateway 4.0.0 (npm), stateful", STDIO),
)
