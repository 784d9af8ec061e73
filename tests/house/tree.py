"""The tree as the house tests see it: files, modules, exception lists."""

import ast
import functools
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "keepgate"
HERE = Path(__file__).resolve().parent

CORE = ("model", "protocol", "detect", "policy", "audit", "lock", "decide")
"""The packages that do no I/O and read no clock."""


def modules() -> list[Path]:
    """Every source file of the package."""
    return sorted(SRC.rglob("*.py"))


def name(path: Path) -> str:
    """How a file is called in messages and exception lists."""
    return path.relative_to(ROOT).as_posix()


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def exceptions(file: str) -> dict[str, str]:
    """An exception list: `<what> <detail>` a line, `#` starts a comment. Such a list may only shrink."""
    lines = (line.split("#", 1)[0].strip() for line in (HERE / file).read_text().splitlines())
    return {key: rest.strip() for key, _, rest in (line.partition(" ") for line in lines if line)}


def committed() -> list[Path]:
    """Every file that git has, or would have."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [
        ROOT / entry for entry in sorted(set(done.stdout.split("\0"))) if entry and (ROOT / entry).is_file()
    ]


def imports(path: Path) -> set[str]:
    """The full names of what a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found
