"""Containers that are none: privileged, with the host's files, network or control socket inside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import ConfiguredServer, ScanFinding
from keepgate.scanner.launch import Launch, Word, launch_of
from keepgate.scanner.rule import Rule

_TAGS: Final = ("OWASP-MCP02", "SAFE-T1303", "CWE-250")

PRIVILEGED: Final = Rule(
    "config.container-privileged",
    "the container has the rights of the host",
    Severity.CRITICAL,
    Confidence.CONFIRMED,
    _TAGS,
    "take the option out; give the single capability that is really needed",
)
SOCKET: Final = Rule(
    "config.container-socket",
    "the container controls the container engine, and so the host",
    Severity.CRITICAL,
    Confidence.CONFIRMED,
    _TAGS,
    "do not mount the engine's socket; use a proxy for it that allows reading only",
)
HOST_FILES: Final = Rule(
    "config.container-host-files",
    "the container sees files of the host that hold its keys or the whole of it",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP02", "SAFE-T1303", "CWE-668"),
    "mount only the directory that the server works on, read-only where it only reads",
)
HOST_NAMESPACE: Final = Rule(
    "config.container-host-namespace",
    "the container shares the network or the processes of the host",
    Severity.MEDIUM,
    Confidence.CONFIRMED,
    _TAGS,
    "take the option out, and publish the one port that is needed on 127.0.0.1",
)
PUBLISHED: Final = Rule(
    "config.container-published",
    "a port of the container is published for every machine around",
    Severity.MEDIUM,
    Confidence.CONFIRMED,
    ("OWASP-MCP07", "SAFE-T1005", "CWE-1327"),
    "publish it on this machine only: 127.0.0.1:PORT:PORT",
)
RULES: Final = (PRIVILEGED, SOCKET, HOST_FILES, HOST_NAMESPACE, PUBLISHED)

_ENGINES: Final = ("docker", "podman", "nerdctl")
_CAPABILITIES: Final = frozenset(
    "all sys_admin sys_ptrace sys_module dac_read_search dac_override net_admin sys_rawio bpf setuid sys_boot".split()
)
_WHOLE: Final = (
    "/",
    "/etc",
    "/root",
    "/home",
    "/var",
    "/var/lib",
    "/var/run",
    "/run",
    "/proc",
    "/sys",
    "/dev",
    "/boot",
    "/usr",
    "/mnt",
    "/users",
    "/mnt/c",
    "c:",
    "c:/",
    "/host",
    "/lib",
    "/bin",
    "/opt",
)
_HOMES: Final = (
    "~",
    "$home",
    "${home}",
    "%userprofile%",
    "${env:home}",
    "${userhome}",
    "$env:userprofile",
    "${localenv:home}",
    "${env:userprofile}",
)
_KEPT: Final = (
    ".ssh",
    ".aws",
    ".kube",
    ".gnupg",
    ".docker",
    ".config/gcloud",
    ".azure",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".config/gh",
    "/etc/shadow",
    "/etc/passwd",
    ".mozilla",
    ".config/google-chrome",
    "library/keychains",
    ".password-store",
    ".bash_history",
    ".zsh_history",
    ".claude",
    ".cursor",
    ".vault-token",
    ".terraform.d",
    "serviceaccount",
)


def look(server: ConfiguredServer) -> Iterator[ScanFinding]:
    """What a container of an entry may do to its host."""
    launch = launch_of(server)
    if launch is None or launch.program not in _ENGINES or launch.texts[:1] not in (("run",), ("create",)):
        return
    launch = _options(launch)
    for word in launch.words:
        if word.text == "--privileged" or word.text.lower() == "--privileged=true":
            yield PRIVILEGED.at(launch.target, launch.at(word), word.text)
    yield from _rights(launch)
    yield from _mounts(launch)
    for word, value in launch.values("-p", "--publish"):
        parts = value.rpartition("/")[0].split(":") if "/" in value else value.split(":")
        if (len(parts) == 2 and parts[0]) or (len(parts) == 3 and parts[0] in ("", "0.0.0.0")):
            yield PUBLISHED.at(launch.target, launch.at(word), value)
    everything = launch.flag("-P", "--publish-all")
    if everything is not None:
        yield PUBLISHED.at(launch.target, launch.at(everything), everything.text)


_ALONE: Final = frozenset(
    (
        "-i",
        "-t",
        "-it",
        "-ti",
        "-d",
        "--rm",
        "--init",
        "--privileged",
        "--interactive",
        "--tty",
        "--detach",
        "--read-only",
        "-P",
        "--publish-all",
        "--no-healthcheck",
        "--oom-kill-disable",
        "--sig-proxy",
        "-q",
        "--quiet",
    )
)


def _options(launch: Launch) -> Launch:
    """Without the image and what is handed to it: its words mean nothing to the engine."""
    words = launch.words
    index = 1
    while index < len(words) and words[index].text.startswith("-"):
        text = words[index].text
        index += (
            1
            if text in _ALONE
            or "=" in text
            or (len(text) > 2 and text[1] != "-" and text[:2] in ("-e", "-v", "-p"))
            else 2
        )
    return Launch(launch.server, launch.head, words[:index])


def _rights(launch: Launch) -> Iterator[ScanFinding]:
    for word, value in launch.values("--cap-add"):
        names = {name.strip().lower().removeprefix("cap_") for name in value.split(",")}
        if names & _CAPABILITIES:
            yield PRIVILEGED.at(launch.target, launch.at(word), f"--cap-add {value}", severity=Severity.HIGH)
    for word, value in launch.values("--security-opt"):
        if "unconfined" in value or "label=disable" in value or "label:disable" in value:
            yield PRIVILEGED.at(launch.target, launch.at(word), value, severity=Severity.HIGH)
    for word, value in launch.values(
        "--network", "--net", "--pid", "--ipc", "--userns", "--uts", "--cgroupns"
    ):
        if value == "host":
            grave = word.text.startswith("--pid") or (
                word.index
                and "--pid" in launch.texts
                and value == "host"
                and _before(launch, word) == "--pid"
            )
            yield HOST_NAMESPACE.at(
                launch.target,
                launch.at(word),
                f"{_before(launch, word)} host",
                severity=Severity.HIGH if grave else Severity.MEDIUM,
            )
    for word, value in launch.values("--device"):
        if value.startswith(("/dev/sd", "/dev/nvme", "/dev/mem", "/dev/kmem", "/dev/disk", "/dev/vd")):
            yield HOST_FILES.at(launch.target, launch.at(word), f"--device {value}")


def _before(launch: Launch, word: Word) -> str:
    if "=" in word.text and word.text.startswith("--"):
        return word.text.partition("=")[0]
    return next((w.text for w in launch.words if w.index == word.index - 1), "")


def _mounts(launch: Launch) -> Iterator[ScanFinding]:
    for word, value in launch.values("-v", "--volume", "--mount"):
        source = _source(value)
        bare = source.lower().replace("\\", "/").rstrip("/") or ("/" if source.startswith("/") else "")
        if "docker.sock" in bare or "containerd.sock" in bare or "podman.sock" in bare or "crio.sock" in bare:
            yield SOCKET.at(launch.target, launch.at(word), value)
        elif bare in _WHOLE or bare in _HOMES or _is_home(bare):
            grave = (
                Severity.CRITICAL
                if bare in ("/", "/etc", "/root", "c:") and not value.endswith(":ro")
                else Severity.HIGH
            )
            yield HOST_FILES.at(launch.target, launch.at(word), value, severity=grave)
        elif any(f"/{each.lstrip('/')}" in f"{bare}/" for each in _KEPT):
            yield HOST_FILES.at(launch.target, launch.at(word), value)


def _is_home(path: str) -> bool:
    """`/home/ada` and `/Users/ada`, and no directory in them."""
    parts = path.split("/")
    return len(parts) == 3 and parts[1] in ("home", "users") and bool(parts[2])


def _source(value: str) -> str:
    """The host's side of a mount."""
    if "source=" in value or "src=" in value:
        fields = dict(part.partition("=")[::2] for part in value.split(","))
        return fields.get("source", fields.get("src", ""))
    if value[:1].isalpha() and value[1:3] in (":/", ":\\"):  # a drive of Windows
        return value[:2] + value[2:].split(":")[0]
    if value.startswith("${"):
        return value[: value.find("}") + 1] + value[value.find("}") + 1 :].split(":")[0]
    return value.split(":")[0]
