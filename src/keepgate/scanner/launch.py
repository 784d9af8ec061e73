"""A command as what it comes to: the program that is really started, behind the words that only start another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from keepgate.model.scan import ConfiguredServer, Location

_SUFFIXES: Final = (".exe", ".cmd", ".bat", ".ps1")
_WRAPPERS: Final = {
    "env": ("-u", "--unset", "-C", "--chdir"),
    "sudo": ("-u", "-g", "-C", "-h"),
    "doas": ("-u",),
    "nohup": (),
    "nice": ("-n",),
    "ionice": ("-c", "-n"),
    "timeout": ("-s", "-k"),
    "stdbuf": ("-i", "-o", "-e"),
    "time": (),
    "exec": (),
    "command": (),
    "setsid": (),
    "xvfb-run": ("-s", "-n"),
    "firejail": (),
    "caffeinate": (),
    "busybox": (),
}
"""Programs that only start another, and their options that take a word."""
_AFTER_DASHES: Final = frozenset(
    ("op", "doppler", "infisical", "dotenv", "mise", "direnv", "dotenvx", "aws-vault", "chamber")
)
"""Programs whose `--` stands before what they start."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command; `index` is -1 for the command, else that of the argument."""

    text: str
    index: int

    @property
    def pointer(self) -> str:
        """Where it stands in the entry."""
        return "/command" if self.index < 0 else f"/args/{self.index}"


@dataclass(frozen=True, slots=True)
class Launch:
    """A command line: `program` by its plain lower-case name, `words` what follows."""

    server: ConfiguredServer
    head: Word
    words: tuple[Word, ...]
    wrappers: tuple[str, ...] = ()
    assigned: tuple[tuple[str, str, Word], ...] = ()
    """Variables that `env` or a container's `-e` sets."""

    @property
    def program(self) -> str:
        """The plain name of what is started."""
        return plain(self.head.text)

    @property
    def texts(self) -> tuple[str, ...]:
        """The arguments."""
        return tuple(word.text for word in self.words)

    @property
    def target(self) -> str:
        """How findings call it."""
        return target_of(self.server)

    def at(self, word: Word | None = None) -> Location:
        """Where a word stands; the command without one."""
        return self.server.at((word or self.head).pointer)

    def values(self, *names: str) -> Iterator[tuple[Word, str]]:
        """The values of an option, `--name value`, `--name=value` and `-nvalue`."""
        for index, word in enumerate(self.words):
            text = word.text
            for name in names:
                if text == name and index + 1 < len(self.words):
                    yield self.words[index + 1], self.words[index + 1].text
                elif text.startswith(name + "="):
                    yield word, text[len(name) + 1 :]
                elif len(name) == 2 and text.startswith(name) and len(text) > 2 and text[2:3] != "-":
                    yield word, text[2:].removeprefix("=")

    def flag(self, *names: str) -> Word | None:
        """The first of these words that is there."""
        return next((word for word in self.words if word.text.partition("=")[0] in names), None)


def target_of(server: ConfiguredServer) -> str:
    """How findings call a server."""
    return f"server:{server.entry.name}"


def plain(command: str) -> str:
    """`/usr/bin/NPX.cmd` as `npx`."""
    name = command.replace("\\", "/").rstrip("/").rpartition("/")[2].lower()
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def launch_of(server: ConfiguredServer) -> Launch | None:
    """What an entry starts; None for a remote server."""
    argv = server.entry.argv
    if not argv:
        return None
    words = [Word(text, index - 1) for index, text in enumerate(argv)]
    wrappers: list[str] = []
    assigned: list[tuple[str, str, Word]] = []
    for _ in range(6):
        rest = _inside(words, assigned)
        if rest is None or not rest:
            break
        wrappers.append(plain(words[0].text))
        words = rest
    return Launch(server, words[0], tuple(words[1:]), tuple(wrappers), tuple(assigned))


def _inside(words: list[Word], assigned: list[tuple[str, str, Word]]) -> list[Word] | None:
    """The command behind a wrapper; None where there is none."""
    name = plain(words[0].text)
    if name == "cmd" and len(words) > 2 and words[1].text.lower() in ("/c", "/s", "/k", "/d"):
        rest = [word for word in words[1:] if word.text.lower() not in ("/c", "/s", "/k", "/d")]
        return rest if rest and not set("&|><^") & set("".join(word.text for word in rest[:1])) else None
    if name in _AFTER_DASHES:
        marks = [index for index, word in enumerate(words) if word.text == "--"]
        return words[marks[0] + 1 :] if marks else None
    if name not in _WRAPPERS:
        return None
    rest = words[1:]
    while rest:
        text = rest[0].text
        if text in _WRAPPERS[name]:
            rest = rest[2:]
        elif text.startswith("-") or (name == "timeout" and text[:1].isdigit()):
            rest = rest[1:]
        elif name == "env" and "=" in text and not text.startswith("="):
            key, _, value = text.partition("=")
            assigned.append((key, value, rest[0]))
            rest = rest[1:]
        else:
            return rest
    return None


def variables(launch: Launch | None, server: ConfiguredServer) -> Iterator[tuple[str, str, Location]]:
    """Every variable that a server is started with: by its entry, by `env`, by a container's `-e`."""
    for name, value in server.entry.env.items():
        yield name, value, server.at(f"/env/{name}")
    if launch is None:
        return
    for name, value, word in launch.assigned:
        yield name, value, launch.at(word)
    if launch.program in ("docker", "podman", "nerdctl"):
        for word, text in launch.values("-e", "--env"):
            name, mark, value = text.partition("=")
            if mark:
                yield name, value, launch.at(word)
