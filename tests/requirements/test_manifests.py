"""The manifests name only tests that exist, miss no requirement, and no test of this directory is missing in them."""

import ast
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WANTED = {
    "wire": [f"S{number}" for number in range(1, 27)],
    "peers": [f"T{number}" for number in range(1, 20)],
    "trouble": ["issuer", "key", "policy", "comparison"],
}


def manifest(name):
    return tomllib.loads((HERE / f"{name}.toml").read_text())


def named(name):
    return [
        (requirement, clause, test)
        for requirement, clauses in manifest(name).items()
        for clause, tests in clauses.items()
        if not isinstance(tests, str)
        for test in tests
    ]


def functions_in(path):
    tree = ast.parse(path.read_text())
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("name", WANTED)
def test_every_requirement_is_there_once_and_says_something(name):
    found = manifest(name)
    assert list(found) == WANTED[name]
    for requirement, clauses in found.items():
        assert clauses, requirement
        for clause, tests in clauses.items():
            later = isinstance(tests, str) and tests.startswith("later: ")
            assert later or (isinstance(tests, list) and tests), f"{requirement}: {clause}"


@pytest.mark.parametrize("name", WANTED)
def test_every_requirement_has_a_test_unless_all_of_it_comes_later(name):
    later = {
        requirement
        for requirement, clauses in manifest(name).items()
        if all(isinstance(t, str) for t in clauses.values())
    }
    assert later <= {"S17"}, "what is not held at all may only shrink"


@pytest.mark.parametrize("name", WANTED)
def test_every_test_that_is_named_exists(name):
    missing = []
    for requirement, _, test in named(name):
        file, _, function = test.partition("::")
        if not (ROOT / file).is_file() or function not in functions_in(ROOT / file):
            missing.append(f"{requirement}: {test}")
    assert not missing


def test_every_test_of_this_directory_is_named():
    here = {
        f"tests/requirements/{path.name}::{test}"
        for path in HERE.glob("test_*.py")
        if path != Path(__file__)
        for test in functions_in(path)
    }
    listed = {test for name in WANTED for _, _, test in named(name)}
    assert not here - listed


def test_a_test_that_bears_the_name_of_a_requirement_is_listed_under_it():
    for name in ("wire", "peers"):
        for requirement, _, test in named(name):
            word = test.partition("::test_")[2].partition("_")[0]
            if word in {each.lower() for each in WANTED[name]}:
                assert word == requirement.lower(), test
