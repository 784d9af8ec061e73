"""What a server may reach on this machine: the whole disk, the keys of the user; and where it starts from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import ConfiguredServer, ScanFinding
from keepgate.scanner.launch import Launch, launch_of
from keepgate.scanner.rule import Rule

WHOLE_DISK: Final = Rule(
    "config.whole-disk",
    "the server is given the whole disk or a whole home directory",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP02", "SAFE-T1105", "CWE-732"),
    "name the directories that it works on",
)
KEYS: Final = Rule(
    "config.credential-directory",
    "the server is given a place where keys are kept",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP01", "SAFE-T1503", "CWE-522"),
    "take the path out",
)
SHARED: Final = Rule(
    "config.program-anyone-can-write",
    "the program stands where every user and program can write",
    Severity.MEDIUM,
    Confidence.LIKELY,
    ("OWASP-MCP04", "CWE-379"),
    "install the server in a directory that only you can write to",
)
PERMITS_ALL: Final = Rule(
    "config.all-permissions",
    "the runtime's own sandbox is switched off",
    Severity.LOW,
    Confidence.CONFIRMED,
    ("OWASP-MCP02", "CWE-250"),
    "name the permissions that the server needs",
)
RULES: Final = (WHOLE_DISK, KEYS, SHARED, PERMITS_ALL)

_WHOLE: Final = frozenset(
    (
        "/",
        "~",
        "~/",
        "$home",
        "${home}",
        "c:\\",
        "c:/",
        "%userprofile%",
        "/home",
        "/users",
        "/root",
        "/etc",
        "${env:home}",
        "${userhome}",
        "${env:userprofile}",
        "d:\\",
        "c:",
        "//",
        "/*",
        "file:///",
        "${localenv:home}",
    )
)
_KEYS: Final = (
    "/.ssh",
    "/.aws",
    "/.gnupg",
    "/.kube",
    "/.config/gcloud",
    "/.azure",
    "/.password-store",
    "/library/keychains",
    "\\.ssh",
    "\\.aws",
    "/etc/shadow",
    "/.mozilla/",
    "/.config/google-chrome",
    "/google/chrome/user data",
    "\\google\\chrome\\user data",
    "/.netrc",
    "/.git-credentials",
    "/.docker/config.json",
    "/.bash_history",
    "/.zsh_history",
    "/.npmrc",
    "/.pypirc",
)
_ABOUT_FILES: Final = ("filesystem", "file-system", "files", "fs", "desktop-commander", "file")
_OPTIONS: Final = (
    "--root",
    "--allowed-directory",
    "--allow-dir",
    "--directory",
    "--path",
    "--dir",
    "--workspace",
    "--allowed-dirs",
    "--allowed-paths",
    "--base-path",
    "--repository",
    "--allow",
    "--allowed-directories",
    "--roots",
)
_SHARED: Final = (
    "/tmp/",
    "/var/tmp/",
    "/dev/shm/",
    "/private/tmp/",
    "/users/shared/",
    "c:\\temp\\",
    "c:\\windows\\temp\\",
    "c:/temp/",
    "%temp%",
    "$tmpdir",
    "/downloads/",
    "\\downloads\\",
)
_INTERPRETERS: Final = (
    "node",
    "bun",
    "deno",
    "ruby",
    "php",
    "perl",
    "tsx",
    "ts-node",
    "java",
    "dotnet",
    "uv",
    "bash",
    "sh",
    "zsh",
    "pwsh",
    "powershell",
)


def look(server: ConfiguredServer) -> Iterator[ScanFinding]:
    """What an entry reaches."""
    launch = launch_of(server)
    if launch is None or launch.program in ("docker", "podman", "nerdctl"):
        return
    yield from _paths(launch)
    yield from _place(launch)
    allow = launch.flag("-A", "--allow-all")
    if launch.program == "deno" and allow is not None:
        yield PERMITS_ALL.at(launch.target, launch.at(allow), allow.text)


def _paths(launch: Launch) -> Iterator[ScanFinding]:
    about_files = any(
        each
        in "".join((launch.server.entry.name, " ", launch.program, " ", *launch.texts[:3]))
        .lower()
        .replace("/", " / ")
        for each in _ABOUT_FILES
    )
    optional = {word.index for word, _ in launch.values(*_OPTIONS)}
    for word in launch.words:
        value = word.text.partition("=")[2] if word.text.startswith("--") and "=" in word.text else word.text
        for path in value.split(","):
            lowered = path.strip().lower()
            if any(each in f"{lowered}/" for each in _KEYS):
                if not lowered.endswith((".pub", "known_hosts")) and launch.program != "ssh":
                    yield KEYS.at(launch.target, launch.at(word), path)
            elif (lowered in _WHOLE or _is_home(lowered)) and (about_files or word.index in optional):
                yield WHOLE_DISK.at(
                    launch.target,
                    launch.at(word),
                    path,
                    severity=Severity.MEDIUM
                    if _is_home(lowered) or lowered.startswith(("~", "$h", "${", "%"))
                    else Severity.HIGH,
                )


def _is_home(path: str) -> bool:
    parts = path.replace("\\", "/").rstrip("/").split("/")
    home = parts[1:2] in (["home"], ["users"]) and parts[0] in ("", "c:")
    return home and len(parts) == 3 and bool(parts[2])


def _place(launch: Launch) -> Iterator[ScanFinding]:
    """The program, or the script that an interpreter is given, in a place for everybody."""
    command = launch.head.text
    if _in_shared(command):
        yield SHARED.at(launch.target, launch.at(), command, severity=_weight(command))
        return
    if launch.program in _INTERPRETERS or launch.program.startswith("python"):
        script = next((w for w in launch.words if not w.text.startswith("-")), None)
        if script is not None and _in_shared(script.text):
            yield SHARED.at(launch.target, launch.at(script), script.text, severity=_weight(script.text))
            return
    if _in_shared(launch.server.entry.cwd + "/") and not command.startswith("/"):
        yield SHARED.at(launch.target, launch.server.at("/cwd"), launch.server.entry.cwd)


def _in_shared(path: str) -> bool:
    lowered = path.lower()
    return (
        any(lowered.startswith(each) for each in _SHARED)
        or "/downloads/" in lowered
        or "\\downloads\\" in lowered
    )


def _weight(path: str) -> Severity:
    hidden = any(
        part.startswith(".") and len(part) > 1 and part != ".." for part in path.replace("\\", "/").split("/")
    )
    return (
        Severity.HIGH
        if hidden and "downloads" not in path.lower()
        else Severity.LOW
        if "downloads" in path.lower()
        else Severity.MEDIUM
    )
