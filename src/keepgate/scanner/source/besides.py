"""What source shows without following values: secrets, coded payloads, places where keys are kept, other agents' files, hosts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import Location, ScanFinding
from keepgate.protocol.jsonc import Lines
from keepgate.scanner.detection import Detection
from keepgate.scanner.hosts import is_relay
from keepgate.scanner.rule import Rule
from keepgate.scanner.source.code import Expr, Function, Unit
from keepgate.scanner.source.sinks import sinks


def _rule(name: str, title: str, severity: Severity, tags: tuple[str, ...], fix: str) -> Rule:
    return Rule(f"source.{name}", title, severity, Confidence.LIKELY, tags, fix)


SECRET: Final = _rule(
    "secret",
    "a secret stands in the source",
    Severity.HIGH,
    ("OWASP-MCP01", "SAFE-T1502", "CWE-798"),
    "revoke it, and read the new one from the environment",
)
KEPT_KEYS: Final = _rule(
    "reads-credentials",
    "the code reads places where other programs keep keys",
    Severity.HIGH,
    ("OWASP-MCP01", "SAFE-T1503", "CWE-522"),
    "find out why; a server is given its own credentials",
)
OTHER_AGENTS: Final = _rule(
    "changes-other-agents",
    "the code writes into configurations of AI clients",
    Severity.MEDIUM,
    ("OWASP-MCP09", "SAFE-T1206", "CWE-15"),
    "find out what it writes; an installer may, a server must not",
)
RELAY: Final = _rule(
    "hidden-host",
    "the code talks to a public tunnel or drop",
    Severity.HIGH,
    ("OWASP-MCP10", "SAFE-T1911", "CWE-200"),
    "do not use it",
)
UPDATES: Final = _rule(
    "self-update",
    "the code installs other code while it runs",
    Severity.MEDIUM,
    ("OWASP-MCP04", "SAFE-T1201", "CWE-494"),
    "install versions you chose, and nothing at run time",
)
OBFUSCATED: Final = _rule(
    "obfuscated",
    "the code is written so that nobody can read it",
    Severity.MEDIUM,
    ("OWASP-MCP04", "SAFE-T1002", "CWE-506"),
    "do not use what cannot be read",
)
CONTRADICTS: Final = _rule(
    "claim-contradicts-code",
    "a tool that says it only reads changes or runs something",
    Severity.MEDIUM,
    ("OWASP-MCP03", "SAFE-T1501", "CWE-451"),
    "do not let clients approve it unasked",
)
RULES: Final = (SECRET, KEPT_KEYS, OTHER_AGENTS, RELAY, UPDATES, OBFUSCATED, CONTRADICTS)

_KEYS: Final = (
    ".ssh/id_",
    ".aws/credentials",
    ".config/gcloud/application_default",
    ".kube/config",
    ".gnupg/",
    ".git-credentials",
    "Login Data",
    "Local State",
    "Cookies/Cookies",
    "key4.db",
    "logins.json",
    "keychain-db",
    "wallet.dat",
    ".electrum",
    "Exodus/exodus.wallet",
    ".docker/config.json",
    ".pypirc",
    "/etc/shadow",
    ".bash_history",
    ".zsh_history",
    "Local Extension Settings/nkbihf",
    ".config/solana/id.json",
    ".netrc",
)
_AGENTS: Final = (
    "claude_desktop_config.json",
    ".cursor/mcp.json",
    ".claude/settings.json",
    ".claude.json",
    "mcp_config.json",
    "cline_mcp_settings.json",
    ".codex/config.toml",
    ".gemini/settings.json",
    "CLAUDE.md",
    ".vscode/mcp.json",
)
_INSTALLS: Final = (
    "pip install ",
    "npm install -g ",
    "npm i -g ",
    "npm update -g ",
    "git pull",
    "uv pip install ",
    "pip3 install ",
    "gem install ",
    "cargo install ",
    "go install ",
)
_WRITES: Final = frozenset(
    "write_text write_bytes writeFile writeFileSync WriteFile dump writeTextFile WriteAllText appendFile appendFileSync file_put_contents write outputFile writeJson writeJSON".split()
)
_CHANGES: Final = frozenset(
    "remove unlink rmtree rm rmSync unlinkSync rmdir RemoveAll Remove remove_file remove_dir_all write_text write_bytes writeFile writeFileSync WriteFile".split()
)


def look(unit: Unit, text: str, detection: Detection) -> Iterator[ScanFinding]:
    """What one file shows."""
    yield from _secrets(unit, text, detection)
    yield from _places(unit)
    yield from _hosts(unit)
    yield from _obfuscated(unit, text)
    for function in unit.functions:
        yield from _does(unit, function)


def _secrets(unit: Unit, text: str, detection: Detection) -> Iterator[ScanFinding]:
    lines = Lines(text)
    for finding in detection.secrets(text[:262_144])[:20]:
        open_ended = (
            finding.rule == "secret.private-key" and "-----END" not in text[finding.start : finding.end]
        )
        example = finding.rule in ("secret.jwt", "secret.database-url") or open_ended
        if finding.confidence is Confidence.CONFIRMED and not example:
            place = Location(unit.file, *lines.place(finding.start))
            yield SECRET.at(f"file:{unit.file}", place, f"{finding.title}: {finding.evidence}")


def _places(unit: Unit) -> Iterator[ScanFinding]:
    """A path to kept keys that is opened or put together; one that stands in a list may well be what is refused."""
    for call in _calls(unit):
        opens = call.text.rpartition(".")[2] in _PATHS or any(
            sink.kind == "path" for sink in sinks(call, unit.language)
        )
        if not opens:
            continue
        said = [
            each
            for part in (*call.parts, *((call.base,) if call.base else ()))
            for each in part.walk()
            if each.kind == "const" and len(each.text) < 200
        ]
        texts = {each.text.strip("/") for each in said}
        whole = "/".join(each.text for each in reversed(said)) + "/" + "/".join(each.text for each in said)
        if (
            any(mark in whole.replace("\\", "/") for mark in _KEYS)
            or (".ssh" in texts and texts & {"id_rsa", "id_ed25519"})
            or {".aws", "credentials"} <= texts
        ):
            yield KEPT_KEYS.at(f"file:{unit.file}", Location(unit.file, *call.place), " ".join(sorted(texts)))
            return


_PATHS: Final = frozenset(
    "join expanduser expandUser resolve Path open readFileSync readFile home joinpath Join".split()
)


def _hosts(unit: Unit) -> Iterator[ScanFinding]:
    for text, place in unit.texts:
        if "://" in text and len(text) < 2000 and is_relay(_host(text)):
            yield RELAY.at(f"file:{unit.file}", Location(unit.file, *place), text)


def _host(text: str) -> str:
    at = text.find("http")
    try:
        return (urlsplit(text[max(at, 0) :].split()[0]).hostname or "").lower()
    except (ValueError, IndexError):
        return ""


def hosts(units: Sequence[Unit]) -> list[str]:
    """Every host that stands in the source, for the inventory."""
    found = {
        _host(text)
        for unit in units
        for text, _ in unit.texts
        if text.startswith(("http://", "https://", "wss://"))
    }
    return sorted(host for host in found if "." in host and "{" not in host and "$" not in host)[:200]


def _obfuscated(unit: Unit, text: str) -> Iterator[ScanFinding]:
    hexed = text.count("_0x")
    if hexed > 40 and hexed * 60 > len(text) / 10:
        at = text.find("_0x")
        yield OBFUSCATED.at(
            f"file:{unit.file}", Location(unit.file, *Lines(text).place(at)), text[at : at + 60]
        )
        return
    for said, place in unit.texts:
        if (
            len(said) > 4000
            and said.isascii()
            and " " not in said[:4000]
            and set(said[:4000]) <= _CODED
            and _decoded(unit)
        ):
            yield OBFUSCATED.at(f"file:{unit.file}", Location(unit.file, *place), said[:60])
            return


_CODED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\x")


def _decoded(unit: Unit) -> bool:
    """Something in the file both decodes and runs."""
    names = {call.text.rpartition(".")[2] for call in _calls(unit)}
    return bool(names & {"b64decode", "atob", "from", "decompress", "unhexlify", "loads"}) and bool(
        names & {"exec", "eval", "Function"}
    )


def _does(unit: Unit, function: Function) -> Iterator[ScanFinding]:
    """What one function does with constants."""
    calls = [each for statement in function.body for each in statement.value.walk() if each.kind == "call"]
    for call in calls:
        kinds = {sink.kind for sink in sinks(call, unit.language)}
        words = " ".join(part.text for each in call.parts for part in each.walk() if part.kind == "const")
        if call.text.rpartition(".")[2] in (
            "system",
            "exec",
            "execSync",
            "run",
            "call",
            "Popen",
            "check_call",
            "check_output",
            "spawn",
            "spawnSync",
            "getoutput",
            "execAsync",
            "Command",
            "shell_exec",
        ):
            line = words.replace("-m pip", "pip") + " "
            upgrade = "--upgrade" in line or " -U " in line or " -g " in line or "git pull" in line
            if any(mark in line for mark in _INSTALLS) and upgrade:
                yield UPDATES.at(f"file:{unit.file}", Location(unit.file, *call.place), words)
        last = call.text.rpartition(".")[2]
        own = any("tmp" in name.lower() or "temp" in name.lower() for name in call.names())
        if function.read_only and not own and (last in _CHANGES or kinds & {"command", "program"}):
            yield CONTRADICTS.at(
                f"tool:{function.tool}",
                Location(unit.file, *call.place),
                f"{call.text} in a tool with readOnlyHint",
            )
            return
    if any(call.text.rpartition(".")[2] in _WRITES for call in calls):
        said = {
            part.text
            for statement in function.body
            for part in statement.value.walk()
            if part.kind == "const"
        }
        agent = next(
            (
                text
                for text in said
                if any(mark in text.replace("\\", "/") for mark in _AGENTS) and len(text) < 120
            ),
            "",
        )
        if agent:
            yield OTHER_AGENTS.at(f"file:{unit.file}", Location(unit.file, *function.place), agent)


def _calls(unit: Unit) -> Iterator[Expr]:
    for function in unit.functions:
        for statement in function.body:
            yield from (each for each in statement.value.walk() if each.kind == "call")
