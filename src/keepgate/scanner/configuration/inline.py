"""Launchers that run a text from the configuration as code, in the place of a program one could look at.

A server is a program on disk or a package in a registry. `sh -c`, `python -c`, `node -e`, `npx -c`, `git -c` and their
kin put the program into the configuration, where nothing is signed, reviewed or scanned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import ConfiguredServer, ScanFinding
from keepgate.scanner.launch import Launch, Word, launch_of, plain
from keepgate.scanner.rule import Rule

_TAGS: Final = ("OWASP-MCP05", "SAFE-T1111", "CWE-78")

SHELL: Final = Rule(
    "config.inline-shell",
    "a shell runs a text from the configuration",
    Severity.MEDIUM,
    Confidence.CONFIRMED,
    _TAGS,
    "start the server's program directly: its path in `command`, its words in `args`",
)
CODE: Final = Rule(
    "config.inline-code",
    "an interpreter runs code from the configuration",
    Severity.HIGH,
    Confidence.CONFIRMED,
    _TAGS,
    "put the code into a file that can be reviewed, or start a package by its name and version",
)
DOWNLOAD: Final = Rule(
    "config.download-and-run",
    "something is downloaded and run at every start",
    Severity.CRITICAL,
    Confidence.CONFIRMED,
    ("OWASP-MCP04", "SAFE-T1002", "CWE-494"),
    "install a package of a known version, and start that",
)
GIT: Final = Rule(
    "config.git-executes",
    "git is made to run a command",
    Severity.HIGH,
    Confidence.CONFIRMED,
    _TAGS,
    "take these options of git out: they run programs of the configuration's choice",
)
PRELOAD: Final = Rule(
    "config.code-preloaded",
    "code is loaded into the interpreter before the server",
    Severity.MEDIUM,
    Confidence.CONFIRMED,
    _TAGS,
    "take the option out, unless the file it names is the server's own and reviewed",
)
RULES: Final = (SHELL, CODE, DOWNLOAD, GIT, PRELOAD)

_SHELLS: Final = frozenset("sh bash zsh dash ksh fish ash csh tcsh".split())
_POWER: Final = frozenset(("powershell", "pwsh"))
_POWER_FLAGS: Final = ("-c", "-command", "-e", "-ec", "-enc", "-encodedcommand", "/c")
_EVAL: Final = {
    "node": ("-e", "--eval", "-p", "--print", "-pe"),
    "bun": ("-e", "--eval", "-p"),
    "deno": ("eval",),
    "perl": ("-e", "-E"),
    "ruby": ("-e",),
    "php": ("-r",),
    "osascript": ("-e",),
    "lua": ("-e",),
    "rscript": ("-e",),
    "julia": ("-e", "-E"),
    "elixir": ("-e",),
    "groovy": ("-e",),
    "npx": ("-c", "--call"),
    "bunx": ("-c",),
    "tsx": ("-e", "--eval"),
    "ts-node": ("-e", "--eval"),
    "mshta": (),
    "rundll32": (),
    "regsvr32": (),
    "wscript": (),
    "cscript": (),
}
_PRELOADS: Final = {
    "node": ("-r", "--require", "--import", "--loader", "--experimental-loader"),
    "bun": ("-r", "--preload"),
    "ruby": ("-r",),
    "tsx": ("-r", "--require", "--import"),
}
_HARMLESS_PRELOADS: Final = (
    "dotenv/config",
    "tsx",
    "ts-node/register",
    "tsconfig-paths/register",
    "ts-node/esm",
    "source-map-support/register",
)
_FETCHES: Final = (
    "curl ",
    "wget ",
    "fetch(",
    "urlopen",
    "requests.get",
    "invoke-webrequest",
    "iwr ",
    "downloadstring",
    "irm ",
    "invoke-restmethod",
    "http.get",
    "https.get",
    "urlretrieve",
    "certutil",
)
_RUNS: Final = (
    "| sh",
    "|sh",
    "| bash",
    "|bash",
    "| python",
    "|python",
    "| node",
    "|node",
    "iex",
    "eval",
    "exec(",
    "invoke-expression",
    "$(",
    "<(",
    "| sudo",
    "&& sh",
    "&& bash",
    "; sh ",
    "; bash ",
    "chmod +x",
    "base64",
    "| zsh",
    "| perl",
    "&& ./",
    "; ./",
)
_GRAVE: Final = (
    "/dev/tcp/",
    "base64 -d",
    "base64 --decode",
    "mkfifo",
    "nc -e",
    "ncat ",
    "~/.ssh",
    "/etc/passwd",
    "/etc/shadow",
    ".aws/credentials",
    "rm -rf /",
    "rm -rf ~",
    "crontab",
    "authorized_keys",
    "-encodedcommand",
)
_SEQUENCE: Final = frozenset(";|&`$<>\n")


def look(server: ConfiguredServer) -> Iterator[ScanFinding]:
    """Inline programs in an entry."""
    launch = launch_of(server)
    if launch is None:
        return
    found = _script(launch)
    if found is not None:
        rule, word = found
        yield _judged(launch, rule, word)
        return
    if launch.program in ("curl", "wget") or (
        launch.program == "deno" and any("http" in t[:8] for t in launch.texts)
    ):
        severity = Severity.HIGH if launch.program != "deno" else Severity.MEDIUM
        yield DOWNLOAD.at(
            launch.target, launch.at(), " ".join((launch.program, *launch.texts)), severity=severity
        )
    yield from _git(launch)
    for word, value in launch.values(*_PRELOADS.get(launch.program, ())):
        if value not in _HARMLESS_PRELOADS and word.index < _first_script(launch):
            yield PRELOAD.at(launch.target, launch.at(word), value)


def _first_script(launch: Launch) -> int:
    """The first word that is no option: what follows it belongs to the server."""
    takes = _PRELOADS.get(launch.program, ())
    before = ""
    for word in launch.words:
        if not word.text.startswith("-") and before not in takes:
            return word.index
        before = word.text
    return 1_000_000


def _script(launch: Launch) -> tuple[Rule, Word] | None:
    """The word that is run as code."""
    program, words = launch.program, launch.words
    if program in _SHELLS:
        return _after(words, SHELL, lambda text: text.startswith("-") and text[1:2] != "-" and "c" in text)
    if program == "cmd":
        return (SHELL, words[1]) if len(words) > 1 else None
    if program in _POWER:
        return _after(words, SHELL, lambda text: text.lower() in _POWER_FLAGS)
    if program.startswith(("python", "pypy")) or program == "py":
        return _after(
            words, CODE, lambda text: text.startswith("-") and text[1:2] != "-" and text[-1:] == "c"
        )
    if program in _EVAL:
        flags = _EVAL[program]
        if not flags:
            return CODE, launch.head
        return _after(words, CODE, lambda text: text.partition("=")[0] in flags)
    if (program, launch.texts[:1]) in (("npm", ("exec",)), ("npm", ("x",)), ("pnpm", ("exec",))):
        return _after(
            words[1:], CODE, lambda text: text.partition("=")[0] in ("-c", "--call", "--shell-mode")
        )
    if (
        program in ("uv", "poetry", "pipenv", "hatch", "pdm", "rye", "conda", "pixi")
        and "run" in launch.texts
    ):
        return _nested(launch, launch.texts.index("run") + 1)
    if program in ("uvx", "pipx", "pipenv") and any(
        plain(text) in ("python", "python3") for text in launch.texts
    ):
        return _nested(launch, 0)
    return _inside_container(launch) if program in ("docker", "podman", "nerdctl") else None


def _after(words: tuple[Word, ...], rule: Rule, is_flag: Callable[[str], bool]) -> tuple[Rule, Word] | None:
    """The word behind a flag, before any word that is no option."""
    for index, word in enumerate(words):
        if is_flag(word.text):
            if "=" in word.text and word.text.startswith("--"):
                return rule, word
            return rule, words[min(index + 1, len(words) - 1)]
        if not word.text.startswith("-") and rule is CODE:
            return None
    return None


def _nested(launch: Launch, start: int) -> tuple[Rule, Word] | None:
    """`uv run ... python -c`: an interpreter behind a runner."""
    for index in range(start, len(launch.words)):
        name = plain(launch.words[index].text)
        if name in _SHELLS or name in _EVAL or name.startswith("python"):
            inner = Launch(launch.server, launch.words[index], launch.words[index + 1 :])
            return _script(inner)
    return None


def _inside_container(launch: Launch) -> tuple[Rule, Word] | None:
    if launch.texts[:1] not in (("run",), ("exec",)):
        return None
    for index, word in enumerate(launch.words):
        if plain(word.text) in _SHELLS and index + 2 < len(launch.words):
            return _script(Launch(launch.server, word, launch.words[index + 1 :]))
    return None


def _judged(launch: Launch, rule: Rule, word: Word) -> ScanFinding:
    """How bad the text is."""
    text = word.text.lower()
    everything = " ".join(launch.texts).lower()
    if any(mark in text for mark in _FETCHES) and any(mark in text for mark in _RUNS):
        return DOWNLOAD.at(launch.target, launch.at(word), word.text)
    severity = rule.severity
    if any(mark in everything for mark in (*_GRAVE, *_FETCHES)):
        severity = Severity.HIGH
    elif rule is CODE and _only_starts(word.text):
        severity = Severity.MEDIUM
    return rule.at(launch.target, launch.at(word), word.text, severity=severity)


def _only_starts(code: str) -> bool:
    """`from server import main; main()`: it only starts what is installed."""
    parts = [part.strip() for part in code.replace("\n", ";").split(";") if part.strip()]
    return len(parts) <= 3 and all(
        part.startswith(("import ", "from "))
        or (part.endswith("()") and part[:-2].replace(".", "").isidentifier())
        for part in parts
    )


def _git(launch: Launch) -> Iterator[ScanFinding]:
    if launch.program != "git":
        return
    for word, value in launch.values("-c", "--config-env", "--upload-pack", "--receive-pack", "--exec-path"):
        yield GIT.at(launch.target, launch.at(word), value)
    for word in launch.words:
        if word.text.startswith("ext::"):
            yield GIT.at(launch.target, launch.at(word), word.text)
