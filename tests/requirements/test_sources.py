"""What must not be in the source, whatever it is used for."""

import ast
from collections.abc import Iterator

from tests.house.tree import SRC, imports, modules, name, parsed

SECRETS = ("digest", "token", "secret", "password", "csrf", "thumbprint", "signature", "verifier", "nonce")
"""Words in the names of values that must not be compared with `==`."""
PUBLIC = {
    "src/keepgate/admin/reception.py": {
        "each.enrolment.digest != _digest(token)"
    },  # of hashes, after the real one
    "src/keepgate/stores/honeytokens.py": {"each.id == token"},  # a name that is printed, not the secret
}
"""Comparisons that give nothing away."""


def calls(path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def test_no_source_evaluates_text_as_code():
    forbidden = {
        "eval",
        "exec",
        "compile",
        "__import__",
        "os.system",
        "os.popen",
        "builtins.eval",
        "builtins.exec",
    }
    guilty = [
        f"{name(path)}:{line} {call}" for path in modules() for line, call in calls(path) if call in forbidden
    ]
    assert not guilty
    for path in modules():
        assert not imports(path) & {
            "pickle",
            "marshal",
            "shelve",
            "code",
            "codeop",
            "runpy",
            "RestrictedPython",
            "jq",
        }
    for path in modules():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.keyword) and node.arg == "shell":
                assert ast.unparse(node.value) == "False", name(path)


def test_no_source_unpacks_archives():
    guilty = [
        name(path)
        for path in modules()
        if imports(path) & {"zipfile", "tarfile", "shutil.unpack_archive", "zipimport"}
    ]
    assert guilty == ["src/keepgate/scanner/archive.py"]  # which reads members and writes none


def test_nothing_opens_a_url_with_a_program():
    guilty = [name(path) for path in modules() if imports(path) & {"webbrowser"}]
    assert not guilty
    for path in modules():
        assert not [
            call for _, call in calls(path) if call in {"os.startfile", "typer.launch", "click.launch"}
        ]


def words(node: ast.expr) -> str:
    """The last word of what an expression names: `each.digest` is `digest`."""
    if isinstance(node, ast.Attribute):
        return node.attr.lower()
    if isinstance(node, ast.Name):
        return node.id.lower()
    return words(node.func) if isinstance(node, ast.Call) else ""


def test_secrets_are_compared_in_constant_time():
    """In the packages that see credentials: a secret beside another value, neither of them a constant."""
    guilty = []
    for path in modules():
        where = path.relative_to(SRC)
        if where.parts[0] not in ("auth", "admin", "stores") and where.as_posix() != "gateway/access.py":
            continue
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
                continue
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Constant | ast.Tuple) for side in sides):
                continue
            if any(word in words(side) for side in sides for word in SECRETS):
                text = ast.unparse(node)
                if text not in PUBLIC.get(name(path), set()):
                    guilty.append(f"{name(path)}:{node.lineno} {text}")
    assert not guilty, "use hmac.compare_digest"
