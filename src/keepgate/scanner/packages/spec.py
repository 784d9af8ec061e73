"""Which packages a command line asks a launcher for. Tolerant: what it cannot read it leaves out, and refuses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from keepgate.model.scan import Location
from keepgate.scanner.launch import Launch, Word


@dataclass(frozen=True, slots=True)
class Use:
    """A package as something asks for it. `version` is exact, a range, a tag, or empty."""

    ecosystem: str
    """npm, pypi, oci, git or url"""
    name: str
    version: str
    text: str
    location: Location
    target: str
    program: str = ""
    """What starts it; empty where it is a line of a manifest."""

    @property
    def pinned(self) -> bool:
        """One version and no other."""
        if self.ecosystem in ("oci", "git"):
            return self.version.startswith("sha256:") or _is_commit(self.version)
        if self.ecosystem == "url":
            return False
        return is_exact(self.version)

    @property
    def purl(self) -> str:
        """As bills of materials call it."""
        at = f"@{self.version}" if self.version else ""
        kind = {"oci": "docker", "git": "generic", "url": "generic"}.get(self.ecosystem, self.ecosystem)
        return f"pkg:{kind}/{self.name.replace('@', '%40')}{at}"


_NODE: Final = {
    "npx": ("-p", "--package"),
    "bunx": ("-p", "--package"),
    "pnpx": ("--package",),
    "yarnx": ("-p", "--package"),
}
_TAKES: Final = {
    "npm": (
        "--prefix",
        "--registry",
        "--cache",
        "-w",
        "--workspace",
        "-c",
        "--call",
        "--node-options",
        "-n",
        "--userconfig",
    ),
    "pypi": (
        "--with-editable",
        "--with-requirements",
        "--python",
        "-p",
        "--index-url",
        "--index",
        "--extra-index-url",
        "--default-index",
        "--directory",
        "--project",
        "--env-file",
        "--refresh-package",
        "--find-links",
        "-f",
        "--constraints",
        "-c",
        "--pip-args",
        "--suffix",
        "--exclude-newer",
        "--prerelease",
        "--resolution",
        "--cache-dir",
        "--config-file",
        "--allow-insecure-host",
        "--upgrade-package",
        "-P",
        "--no-binary-package",
        "--overrides",
        "--build-constraints",
    ),
}


def uses(launch: Launch) -> Iterator[Use]:
    """The packages and images of a launch."""
    program, words = launch.program, launch.words
    first = launch.texts[:1]
    if program in _NODE:
        yield from _node(launch, words, _NODE[program])
    elif (program, first) in (
        ("npm", ("exec",)),
        ("npm", ("x",)),
        ("pnpm", ("dlx",)),
        ("pnpm", ("exec",)),
        ("yarn", ("dlx",)),
        ("bun", ("x",)),
    ):
        yield from _node(launch, words[1:], ("-p", "--package"))
    elif program in ("uvx", "pipx") or (program == "uv" and launch.texts[:2] == ("tool", "run")):
        skip = {"uv": 2, "pipx": 1 if first == ("run",) else 0}.get(program, 0)
        yield from _python(launch, words[skip:])
    elif program == "uv" and first == ("run",):
        for word, value in launch.values("--with"):
            yield from (_pypi(launch, word, each) for each in value.split(",") if each)
    elif program in ("docker", "podman", "nerdctl") and first in (("run",), ("create",)):
        yield from _image(launch)
    elif program == "deno":
        yield from _deno(launch)
    elif program == "go" and first == ("run",) and len(words) > 1 and "@" in words[1].text:
        name, _, version = words[1].text.rpartition("@")
        yield Use("golang", name, version, words[1].text, launch.at(words[1]), launch.target, "go")


def _node(launch: Launch, words: tuple[Word, ...], option: tuple[str, ...]) -> Iterator[Use]:
    named = False
    index = 0
    while index < len(words):
        text = words[index].text
        name, mark, value = text.partition("=")
        if name in option and (mark or index + 1 < len(words)):
            word = words[index] if mark else words[index + 1]
            yield _npm(launch, word, value if mark else word.text)
            named = True
            index += 1 if mark else 2
        elif text in _TAKES["npm"]:
            index += 2
        elif text.startswith("-"):
            index += 1
        else:
            if not named:
                yield _npm(launch, words[index], text)
            return


def _npm(launch: Launch, word: Word, spec: str) -> Use:
    told = (spec, launch.at(word), launch.target, launch.program)
    if spec.startswith(("github:", "gitlab:", "bitbucket:", "gist:", "git+", "git:", "git@")) or (
        spec.count("/") == 1 and not spec.startswith(("@", ".", "/"))
    ):
        address, _, commit = spec.partition("#")
        return Use("git", address, commit, *told)
    if spec.startswith(("http://", "https://")):
        return Use("url", spec, "", *told)
    if spec.startswith((".", "/", "file:", "~")) or spec[1:3] == ":\\":
        return Use("path", spec, "", *told)
    name, version = split_npm(spec)
    return Use("npm", name, version, *told)


def split_npm(spec: str) -> tuple[str, str]:
    """`@scope/name@1.2.3` as name and version; an alias as what it stands for."""
    if "@npm:" in spec:
        spec = spec.partition("@npm:")[2]
    at = spec.find("@", 1)
    return (spec, "") if at < 0 else (spec[:at], spec[at + 1 :])


def _python(launch: Launch, words: tuple[Word, ...]) -> Iterator[Use]:
    source: Word | None = None
    given = ""
    index = 0
    while index < len(words):
        text = words[index].text
        name, mark, value = text.partition("=")
        inline = mark and name.startswith("--")
        if name in ("--from", "--spec", "--with", "-w") and (inline or index + 1 < len(words)):
            word = words[index] if inline else words[index + 1]
            told = value if inline else word.text
            if name in ("--from", "--spec"):
                source, given = word, told
            else:
                yield from (_pypi(launch, word, each) for each in told.split(",") if each)
            index += 1 if inline else 2
        elif text in _TAKES["pypi"]:
            index += 2
        elif text.startswith("-"):
            index += 1
        else:
            yield _pypi(launch, words[index], text) if source is None else _pypi(launch, source, given)
            return
    if source is not None:
        yield _pypi(launch, source, given)


def _pypi(launch: Launch, word: Word, requirement: str) -> Use:
    told = (requirement, launch.at(word), launch.target, launch.program)
    bare = requirement.partition(" @ ")[2] or requirement
    if bare.startswith(("git+", "git:", "git@")):
        address, _, commit = bare.partition("#")[0].rpartition("@")
        return (
            Use("git", address, commit, *told)
            if address.startswith("git+") and "://" in address
            else Use("git", bare, "", *told)
        )
    if bare.startswith(("http://", "https://")):
        return Use("url", bare, "", *told)
    if bare.startswith((".", "/", "~", "file:")) or bare[1:3] == ":\\":
        return Use("path", bare, "", *told)
    name, version = split_pypi(bare)
    return Use("pypi", name, version, *told)


def split_pypi(requirement: str) -> tuple[str, str]:
    """`name[extra]==1.2` or `name@1.2` as normal name and version; a range keeps its sign."""
    bare = requirement.partition(";")[0].strip()
    end = next((index for index, sign in enumerate(bare) if sign in "[<>=!~@ "), len(bare))
    rest = bare[end:]
    if rest.startswith("["):
        rest = rest.partition("]")[2]
    version = rest.strip()
    version = (
        version[2:].strip()
        if version.startswith("==") and not version.startswith("===")
        else version.removeprefix("@").removeprefix("===").strip()
    )
    return normal(bare[:end]), version


def normal(name: str) -> str:
    """PEP 503: how PyPI compares names."""
    return "-".join(
        part for part in name.strip().lower().replace("_", "-").replace(".", "-").split("-") if part
    )


_ENGINE_ALONE: Final = frozenset(
    "-i -t -it -ti -d --rm --init --privileged --interactive --tty --detach --read-only -P --publish-all -q --quiet --no-healthcheck".split()
)


def _image(launch: Launch) -> Iterator[Use]:
    words = launch.words[1:]
    index = 0
    while index < len(words) and words[index].text.startswith("-"):
        text = words[index].text
        index += 1 if text in _ENGINE_ALONE or "=" in text or (text[1] != "-" and len(text) > 2) else 2
    if index < len(words):
        image = words[index].text
        name, digest_mark, digest = image.partition("@")
        tag = ""
        if ":" in name.rpartition("/")[2]:
            name, _, tag = name.rpartition(":")
        yield Use(
            "oci",
            name,
            digest if digest_mark else tag,
            image,
            launch.at(words[index]),
            launch.target,
            launch.program,
        )


def _deno(launch: Launch) -> Iterator[Use]:
    for word in launch.words:
        if word.text.startswith("npm:"):
            name, version = split_npm(word.text[4:].lstrip("/"))
            yield Use("npm", name, version, word.text, launch.at(word), launch.target, "deno")
            return
        if word.text.startswith("jsr:"):
            name, version = split_npm(word.text[4:])
            yield Use("jsr", name, version, word.text, launch.at(word), launch.target, "deno")
            return


def is_exact(version: str) -> bool:
    """`1.2.3`, `v1.2.3-rc.1`, `2025.7.1`; not `^1.2`, `latest`, `1.x`."""
    bare = version.removeprefix("v").removeprefix("=")
    core = bare.partition("-")[0].partition("+")[0]
    return (
        bool(core)
        and core[0].isdigit()
        and "x" not in core.lower()
        and not set(bare) & set("^~<>*| ,")
        and ("." in core or len(core) >= 8)
    )


def _is_commit(text: str) -> bool:
    return len(text) == 40 and all(c in "0123456789abcdef" for c in text.lower())
