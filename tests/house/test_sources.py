"""Size, prose and forbidden tools of the source files."""

import ast

import pytest

from tests.house.tree import CORE, SRC, exceptions, imports, modules, name, parsed, pyproject

LIMIT = 400
NO_RE = (*CORE, "gateway", "transports")
"""Packages that see attacker-controlled text: the standard library's backtracking `re` may not touch it."""


def test_no_source_file_is_longer_than_a_reviewer_can_hold():
    allowed = exceptions("oversize.txt")
    sizes = {name(path): len(path.read_text().splitlines()) for path in modules()}
    too_long = {file: size for file, size in sizes.items() if size > int(allowed.get(file, LIMIT))}
    assert not too_long, f"split these (limit {LIMIT} lines): {too_long}"
    stale = [file for file, most in allowed.items() if not LIMIT < sizes.get(file, 0) == int(most)]
    assert not stale, f"oversize.txt must hold exactly what is needed: lower or remove {stale}"


def test_every_module_says_what_it_is_for():
    silent = [name(path) for path in modules() if not (ast.get_docstring(parsed(path)) or "").strip()]
    assert not silent


def test_no_backtracking_regular_expressions_near_hostile_text():
    guilty = [
        name(path)
        for package in NO_RE
        for path in sorted((SRC / package).rglob("*.py"))
        if imports(path) & {"re", "sre_compile", "sre_parse", "regex", "fnmatch"}
    ]
    assert not guilty, "use str methods, or the RE2 matcher"


def test_the_core_is_synchronous():
    guilty = [
        f"{name(path)}:{node.lineno}"
        for package in CORE
        for path in sorted((SRC / package).rglob("*.py"))
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]
    assert not guilty


def functions():
    for path in modules():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


@pytest.mark.parametrize("prefix", ["verify_", "check_", "authorize_"])
def test_no_security_answer_is_a_bare_boolean(prefix):
    """A result that must not be ignored is a typed verdict or a raise."""
    guilty = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path, node in functions()
        if node.name.startswith(prefix) and isinstance(node.returns, ast.Name) and node.returns.id == "bool"
    ]
    assert not guilty


def test_broad_excepts_live_only_where_a_raise_must_become_a_denial():
    """Ruff watches `except Exception`; what catches even more than that must raise again."""
    guilty = [
        f"{name(path)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "BaseException"))
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    ]
    assert not guilty, "a handler for everything must raise again"


def test_every_core_package_is_held_pure():
    contracts = {contract["id"]: contract for contract in pyproject()["tool"]["importlinter"]["contracts"]}
    held = set(contracts["pure-core"]["source_modules"])
    missing = [p for p in CORE if (SRC / p / "__init__.py").exists() and f"keepgate.{p}" not in held]
    assert not missing, "add them to the pure-core contract in pyproject.toml"


def test_every_core_module_has_a_test_file_of_its_own():
    allowed = exceptions("unmirrored.txt")
    missing = []
    for package in CORE:
        for path in sorted((SRC / package).rglob("*.py")):
            has_code = any(isinstance(n, ast.FunctionDef) for n in ast.walk(parsed(path)))
            inside = path.relative_to(SRC)
            mirror = SRC.parents[1] / "tests" / inside.parent / f"test_{path.stem}.py"
            if has_code and path.stem != "__init__" and not mirror.exists():
                missing.append(name(path))
    assert not sorted(set(missing) - set(allowed)), "each needs tests/<package>/test_<module>.py"
    assert not sorted(set(allowed) - set(missing)), "unmirrored.txt may only shrink: remove these"
