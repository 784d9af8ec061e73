"""Variables that load code, switch verification off, or lead traffic, packages or models elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import ClientSetting, ConfiguredServer, Location, ScanFinding
from keepgate.scanner.hosts import is_here, is_reference, is_vendor
from keepgate.scanner.launch import launch_of, target_of, variables
from keepgate.scanner.rule import Rule

_TAGS: Final = ("OWASP-MCP05", "SAFE-T1111", "CWE-427")

INJECTS: Final = Rule(
    "config.environment-injects-code",
    "a variable loads code into the server",
    Severity.HIGH,
    Confidence.CONFIRMED,
    _TAGS,
    "take the variable out",
)
TLS_OFF: Final = Rule(
    "config.verification-off",
    "a variable switches the verification of certificates off",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP07", "CWE-295"),
    "take the variable out; a private authority belongs into NODE_EXTRA_CA_CERTS or SSL_CERT_FILE",
)
PROXY: Final = Rule(
    "config.proxied",
    "the server's traffic is led through a proxy",
    Severity.MEDIUM,
    Confidence.LIKELY,
    ("OWASP-MCP09", "SAFE-T1206", "CWE-441"),
    "take the proxy out unless it is your organisation's own",
)
BASE_URL: Final = Rule(
    "config.base-url-moved",
    "calls to a model or service are led to another host",
    Severity.MEDIUM,
    Confidence.LIKELY,
    ("OWASP-MCP09", "SAFE-T1206", "CWE-441"),
    "take the variable out unless the host is your own: it gets every key and every prompt",
)
REGISTRY: Final = Rule(
    "config.registry-moved",
    "packages are taken from another registry",
    Severity.MEDIUM,
    Confidence.LIKELY,
    ("OWASP-MCP04", "SAFE-T1002", "CWE-494"),
    "take the variable out unless the registry is your organisation's own",
)
RULES: Final = (INJECTS, TLS_OFF, PROXY, BASE_URL, REGISTRY)

_ALWAYS: Final = frozenset(
    "LD_PRELOAD LD_AUDIT DYLD_INSERT_LIBRARIES DYLD_FRAMEWORK_PATH PYTHONSTARTUP PYTHONINSPECT PERL5OPT PERL5DB RUBYOPT "
    "BASH_ENV PROMPT_COMMAND GIT_SSH_COMMAND GIT_SSH GIT_EXTERNAL_DIFF GIT_PROXY_COMMAND GIT_ASKPASS SSH_ASKPASS "
    "DOTNET_STARTUP_HOOKS CORECLR_PROFILER CORECLR_PROFILER_PATH COR_PROFILER COR_PROFILER_PATH SHELLOPTS BASHOPTS "
    "PYTHONBREAKPOINT GIT_EXEC_PATH GIT_TEMPLATE_DIR NODE_REPL_EXTERNAL_MODULE PYTHONUSERBASE".split()
)
_OPTIONS: Final = {
    "NODE_OPTIONS": (
        "--require",
        "-r ",
        "-r=",
        "--import",
        "--loader",
        "--experimental-loader",
        "--inspect",
        "--env-file",
    ),
    "BUN_OPTIONS": ("--preload", "-r ", "--inspect"),
    "JAVA_TOOL_OPTIONS": ("-javaagent", "-agentlib", "-agentpath", "-Xrun", "-XX:OnError"),
    "_JAVA_OPTIONS": ("-javaagent", "-agentlib", "-agentpath", "-XX:OnError"),
    "JDK_JAVA_OPTIONS": ("-javaagent", "-agentlib", "-agentpath", "-XX:OnError"),
    "PYTHONWARNINGS": ("::", "error:"),
}
_SEARCHED: Final = frozenset(
    "LD_LIBRARY_PATH DYLD_LIBRARY_PATH PYTHONPATH PYTHONHOME NODE_PATH PERL5LIB RUBYLIB CLASSPATH PATH".split()
)
_SHARED: Final = (
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/private/tmp",
    "c:\\temp",
    "c:\\windows\\temp",
    "/users/shared",
    "%temp%",
)
_OFF: Final = {
    "NODE_TLS_REJECT_UNAUTHORIZED": ("0", "false", "no", "off"),
    "PYTHONHTTPSVERIFY": ("0", "false", "no", "off"),
    "GIT_SSL_NO_VERIFY": ("1", "true", "yes", "on"),
    "CURL_INSECURE": ("1", "true", "yes"),
    "NPM_CONFIG_STRICT_SSL": ("0", "false", "no", "off"),
    "SSL_VERIFY": ("0", "false", "no", "off"),
    "VERIFY_SSL": ("0", "false", "no", "off"),
    "TLS_VERIFY": ("0", "false", "no", "off"),
    "SSL_CERT_VERIFY": ("0", "false", "no", "off"),
    "HTTPLIB2_VALIDATE_CERTS": ("0", "false"),
    "REQUESTS_VERIFY": ("0", "false"),
    "AIOHTTP_NO_VERIFY": ("1", "true"),
    "DOCKER_TLS_VERIFY": ("0",),
    "VAULT_SKIP_VERIFY": ("1", "true"),
    "CONSUL_HTTP_SSL_VERIFY": ("false", "0"),
    "SKIP_TLS_VERIFY": ("1", "true"),
    "INSECURE_SKIP_VERIFY": ("1", "true"),
}
_PROXIES: Final = frozenset(
    ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NPM_CONFIG_PROXY", "NPM_CONFIG_HTTPS_PROXY")
)
_REGISTRIES: Final = frozenset(
    "NPM_CONFIG_REGISTRY UV_INDEX_URL UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL UV_INDEX PIP_INDEX_URL PIP_EXTRA_INDEX_URL "
    "PIP_TRUSTED_HOST YARN_REGISTRY GOPROXY CARGO_REGISTRIES_CRATES_IO_INDEX BUN_CONFIG_REGISTRY UV_INSECURE_HOST".split()
)
_REGISTRY_HOSTS: Final = (
    "registry.npmjs.org", "pypi.org", "registry.yarnpkg.com", "proxy.golang.org", "files.pythonhosted.org",
    "download.pytorch.org", "registry.npmmirror.com", "pypi.tuna.tsinghua.edu.cn", "mirrors.aliyun.com", "npm.pkg.github.com",
)  # fmt: skip
_MODELS: Final = (
    "ANTHROPIC_", "OPENAI_", "CLAUDE_", "GEMINI_", "GOOGLE_GEMINI_", "MISTRAL_", "GROQ_", "COHERE_", "DEEPSEEK_",
    "XAI_", "OPENROUTER_", "AZURE_OPENAI_", "LITELLM_",
)  # fmt: skip
_BASES: Final = ("BASE_URL", "API_BASE", "API_URL", "API_HOST", "BASE_PATH", "BASEURL", "ENDPOINT")


def look(server: ConfiguredServer) -> Iterator[ScanFinding]:
    """What the variables of an entry do."""
    launch = launch_of(server)
    for name, value, place in variables(launch, server):
        yield from judge(name, value, target_of(server), place)


def look_at_setting(setting: ClientSetting) -> Iterator[ScanFinding]:
    """The variables that a client sets for itself and all that it starts."""
    if setting.key != "env" or not isinstance(setting.value, dict):
        return
    grave = Severity.HIGH if setting.scope == "project" else None
    for name, value in setting.value.items():
        for found in judge(name, str(value), f"client:{setting.client}", setting.location):
            from dataclasses import replace

            yield replace(found, severity=grave) if grave and found.rule == BASE_URL.id else found


def judge(name: str, value: str, target: str, place: Location) -> Iterator[ScanFinding]:
    """One variable."""
    upper, plain = name.upper(), value.strip().lower()
    told = f"{name}={_masked(value)}"
    if not plain or plain.startswith(("${", "$", "{{", "<")):
        if upper in _ALWAYS and plain:
            yield INJECTS.at(target, place, told)
        return
    if upper in _ALWAYS or any(mark in value for mark in _OPTIONS.get(upper, ())):
        yield INJECTS.at(target, place, told)
    elif upper in _SEARCHED and _planted(upper, plain):
        yield INJECTS.at(target, place, told, severity=Severity.MEDIUM, confidence=Confidence.LIKELY)
    elif upper.startswith("GIT_CONFIG_KEY") and any(
        m in plain for m in ("command", "fsmonitor", "alias.", "hookspath", "pager", "editor")
    ):
        yield INJECTS.at(target, place, told)
    elif plain in _OFF.get(upper, ()):
        yield TLS_OFF.at(target, place, told)
    elif upper in (
        "NODE_EXTRA_CA_CERTS",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ) and _shared(plain):
        yield TLS_OFF.at(
            target, place, told, title="certificates are trusted that anybody on the machine can write"
        )
    else:
        yield from _led_elsewhere(upper, value, told, target, place)


def _led_elsewhere(upper: str, value: str, told: str, target: str, place: Location) -> Iterator[ScanFinding]:
    host = _host(value)
    if upper in _PROXIES and host and not is_here(host) and not is_reference(value):
        yield PROXY.at(target, place, told)
    elif upper in _REGISTRIES and host not in ("", "off", "direct") and host not in _REGISTRY_HOSTS:
        plainly = value.startswith("http://") and not is_here(host)
        yield REGISTRY.at(target, place, told, severity=Severity.HIGH if plainly else REGISTRY.severity)
    elif (
        upper.startswith(_MODELS)
        and upper.endswith(_BASES)
        and host
        and not (is_here(host) or is_vendor(host))
    ):
        yield BASE_URL.at(target, place, told)


def _planted(name: str, value: str) -> bool:
    """A place that others can write to is searched first."""
    first = value.split(";" if ";" in value else ":")[0] if value[1:3] != ":\\" else value.split(";")[0]
    return _shared(first) or (
        name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") and first in (".", "./", "")
    )


def _shared(path: str) -> bool:
    return any(path == each or path.startswith((each + "/", each + "\\")) for each in _SHARED)


def _host(value: str) -> str:
    if "://" not in value:
        value = "//" + value
    try:
        return (urlsplit(value).hostname or "").lower()
    except ValueError:
        return "invalid"


def _masked(value: str) -> str:
    """Without the password that a proxy's address may hold."""
    scheme, mark, rest = value.partition("://")
    return f"{scheme}://***@{rest.rpartition('@')[2]}" if mark and "@" in rest else value
