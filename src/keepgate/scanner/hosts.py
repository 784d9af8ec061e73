"""What a host is: this machine, a private network, a vendor of models, a place for passing things on."""

from __future__ import annotations

import ipaddress
from typing import Final

_LOCAL: Final = (
    "localhost",
    "host.docker.internal",
    "host.containers.internal",
    "gateway.docker.internal",
    "ip6-localhost",
)
_INTERNAL: Final = (
    ".local",
    ".internal",
    ".lan",
    ".localhost",
    ".home.arpa",
    ".svc",
    ".svc.cluster.local",
    ".test",
    ".intranet",
    ".corp",
)
_VENDORS: Final = (
    "anthropic.com", "openai.com", "openai.azure.com", "azure.com", "azure-api.net", "googleapis.com", "google.com",
    "mistral.ai", "groq.com", "cohere.com", "cohere.ai", "deepseek.com", "x.ai", "openrouter.ai", "amazonaws.com",
    "cloudflare.com", "together.xyz", "fireworks.ai", "perplexity.ai", "huggingface.co", "nvidia.com", "aliyuncs.com",
    "bigmodel.cn", "z.ai", "moonshot.cn", "moonshot.ai", "minimax.io", "minimaxi.com", "volces.com", "databricks.com",
    "githubcopilot.com", "github.com", "vercel.sh", "cerebras.ai", "sambanova.ai", "siliconflow.cn", "azure.cn", "ai.azure.com",
)  # fmt: skip
_RELAYS: Final = (
    "ngrok.io", "ngrok.app", "ngrok-free.app", "ngrok-free.dev", "trycloudflare.com", "loca.lt", "localtunnel.me", "serveo.net", "lhr.life",
    "bore.pub", "webhook.site", "requestbin.com", "requestbin.net", "pipedream.net", "hookbin.com", "beeceptor.com",
    "interact.sh", "oast.fun", "oast.pro", "oast.live", "oast.site", "oast.me", "oast.online", "burpcollaborator.net",
    "oastify.com", "dnslog.cn", "ceye.io", "requestcatcher.com", "mockbin.org", "transfer.sh", "pastebin.com", "hastebin.com",
    "paste.ee", "rentry.co", "ix.io", "0x0.st", "termbin.com", "file.io", "anonfiles.com", "gofile.io", "catbox.moe", "telebit.io", "zrok.io", "pinggy.link", "devtunnels.ms",
)  # fmt: skip


def is_here(host: str) -> bool:
    """True for this machine."""
    host = host.strip("[]").lower().rstrip(".")
    if host in _LOCAL or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_inside(host: str) -> bool:
    """True for a private network, and for a name that only a private network knows."""
    host = host.strip("[]").lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return is_here(host) or host.endswith(_INTERNAL) or ("." not in host and bool(host))
    return address.is_private or address.is_loopback or address.is_link_local


def is_address(host: str) -> bool:
    """True for a bare address of the internet."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return False


def is_vendor(host: str) -> bool:
    """True for a host of a known provider of models."""
    return below(host, _VENDORS)


def is_relay(host: str) -> bool:
    """True for tunnels and for places where anybody can collect or leave something."""
    return below(host, _RELAYS)


def below(host: str, domains: tuple[str, ...]) -> bool:
    """True if the host is one of these or a part of one."""
    host = host.lower().rstrip(".")
    return any(host == each or host.endswith("." + each) for each in domains)


def is_reference(value: str) -> bool:
    """True for a value that stands for another: `${env:X}`, `$X`, `{{x}}`, `<x>`, `%X%`, `op://...`."""
    text = value.strip()
    return (
        text.startswith(
            ("$", "{{", "<", "op://", "vault:", "keyring:", "secret:", "env:", "store:", "!", "@keychain")
        )
        or "${" in text
        or (text.startswith("%") and text.endswith("%"))
    )
