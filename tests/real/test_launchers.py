"""npm and uv before registries of ours on loopback: what is fetched, what never runs, what stays as it was."""

import asyncio
import base64
import hashlib
import io
import json
import os
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from keepgate.model.errors import UpstreamError
from keepgate.transports.connect import StdioConnector
from keepgate.transports.launchers.closure import fetch, known
from keepgate.transports.launchers.recognise import recognise
from keepgate.transports.sandbox.launch import Containment
from keepgate.transports.sandbox.profile import Profile
from keepgate.transports.upstream_stdio import ProcessSpec
from tests.support import peers

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

UV = peers.ROOT / ".uv" / "bin"
SERVER_JS = """#!/usr/bin/env node
const fs = require('fs'), help = require('helper')
console.log(JSON.stringify({version: help.version, words: process.argv.slice(2),
    writable: (() => { try { fs.writeFileSync(__filename, ''); return true } catch { return false } })()}))
process.stdin.resume(); process.stdin.on('end', () => process.exit())
"""
SERVER_PY = """
import json, sys, helper
def main():
    print(json.dumps({"version": helper.VERSION, "words": sys.argv[1:], "writable": writable()}), flush=True)
    sys.stdin.read()
def writable():
    try: open(__file__, "ab").close(); return True
    except OSError: return False
"""


def tarball(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size, info.mode = len(text), 0o755
            tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def wheel(name, version, files, scripts=""):
    out = io.BytesIO()
    about = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    if scripts:
        metadata += "Requires-Dist: helper\n"
        files = {**files, f"{about}/entry_points.txt": f"[console_scripts]\n{scripts}\n"}
    files = {
        **files,
        f"{about}/METADATA": metadata,
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{about}/RECORD"))
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(path, text)
    return out.getvalue()


class Registry:
    """Both registries. `versions` of the helper that the server needs can be added while it runs."""

    def __init__(self, trap: Path):
        self.asked = []
        self.files = {}
        self.npm, self.pypi = {}, {}
        scripts = dict.fromkeys(("preinstall", "install", "postinstall", "prepare"), f"touch {trap}")
        about = {"bin": {"server": "index.js"}, "dependencies": {"helper": "*"}, "scripts": scripts}
        self.add_npm("server", "1.0.0", {"index.js": SERVER_JS}, **about)
        self.add_pypi("server", "1.0.0", {"server_code.py": SERVER_PY}, "server = server_code:main")
        self.files["sdist-1.0.tar.gz"] = tarball({"setup.py": f"open({str(trap)!r}, 'w')"})
        self.pypi["sdist"] = ["sdist-1.0.tar.gz"]
        self.release("1.0.0", trap)

    def release(self, version, trap):
        self.add_npm("helper", version, {"index.js": f"exports.version = '{version}'"})
        code = {
            "helper.py": f"VERSION = '{version}'",
            "trap.pth": f"import os; os.path.exists({str(trap)!r})\n",
        }
        self.add_pypi("helper", version, code)

    def add_npm(self, name, version, files, **manifest):
        about = {"name": name, "version": version, **manifest}
        content = tarball({**files, "package.json": json.dumps(about)})
        file = f"{name}-{version}.tgz"
        self.files[file] = content
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
        self.npm.setdefault(name, {})[version] = {**about, "dist": {"file": file, "integrity": integrity}}

    def add_pypi(self, name, version, files, scripts=""):
        file = f"{name}-{version}-py3-none-any.whl"
        self.files[file] = wheel(name, version, files, scripts)
        self.pypi.setdefault(name, []).append(file)

    def answer(self, path, origin):
        self.asked.append(path)
        kind, _, name = path.strip("/").partition("/")
        if kind == "files":
            return self.files[name]
        if kind == "simple":
            links = "".join(
                f'<a href="{origin}/files/{file}#sha256={hashlib.sha256(self.files[file]).hexdigest()}">{file}</a>'
                for file in self.pypi[name]
            )
            return f"<!doctype html><html><body>{links}</body></html>".encode()
        versions = {
            version: {
                **about,
                "dist": {**about["dist"], "tarball": f"{origin}/files/{about['dist']['file']}"},
            }
            for version, about in self.npm[name].items()
        }
        return json.dumps(
            {"name": name, "dist-tags": {"latest": list(versions)[-1]}, "versions": versions}
        ).encode()


@pytest.fixture
def trap(tmp_path):
    return tmp_path / "ran"


@pytest.fixture
def registry(trap):
    made = Registry(trap)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                body = made.answer(self.path, f"http://{self.headers['Host']}")
            except KeyError:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if "/simple/" in self.path else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.origin = f"http://127.0.0.1:{server.server_address[1]}"
        yield made
        server.shutdown()


@pytest.fixture
def env(registry, tmp_path):
    peers.need(peers.NODE, UV / "uv")
    return {
        "PATH": f"{peers.BIN}:{UV}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "npm_config_registry": registry.origin + "/npm",
        "npm_config_cache": str(tmp_path / "npm-cache"),
        "UV_DEFAULT_INDEX": registry.origin + "/simple",
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "npm_config_fetch_retries": "0",
        "UV_HTTP_RETRIES": "0",
    }


class Heard:
    """The first thing a server says."""

    def __init__(self):
        self.first = asyncio.get_running_loop().create_future()

    def message(self, raw, event_id=None):
        self.first.set_result(json.loads(raw))

    def closed(self, failure):
        if not self.first.done():
            self.first.set_exception(failure)


async def run(command, env, state, fault=lambda _: ""):
    profile = Profile("test", mode="strict", home=Path(env["HOME"]), state=state, hidden=(state,))
    containment = Containment(profile, "bubblewrap", fault=fault)
    channel = StdioConnector(ProcessSpec(command, env=env, containment=containment)).channel(era="handshake")
    heard = Heard()
    await channel.open(heard)
    try:
        return await asyncio.wait_for(heard.first, 30)
    finally:
        await channel.close()


LAUNCHES = {"npm": ["npx", "-y", "server", "a", "--b"], "pypi": ["uvx", "server", "a", "--b"]}


@pytest.mark.parametrize("kind", LAUNCHES)
def test_fetched_once_run_read_only_and_upgraded_only_when_told(kind, registry, env, trap, tmp_path):
    peers.need_program("bwrap")
    command, state = LAUNCHES[kind], tmp_path / "state"
    said = asyncio.run(run(command, env, state))
    assert said == {"version": "1.0.0", "words": ["a", "--b"], "writable": False}
    assert not trap.exists()
    wanted = recognise(command)
    packages = known(wanted, state).packages
    assert [each.purl for each in packages] == [f"pkg:{kind}/helper@1.0.0", f"pkg:{kind}/server@1.0.0"]
    algorithm = {"npm": hashlib.sha512, "pypi": hashlib.sha256}[kind]
    content = registry.files["helper-1.0.0.tgz" if kind == "npm" else "helper-1.0.0-py3-none-any.whl"]
    digest = algorithm(content)
    shown = (
        "sha512-" + base64.b64encode(digest.digest()).decode()
        if kind == "npm"
        else f"sha256:{digest.hexdigest()}"
    )
    assert packages[0].integrity == shown

    registry.release("2.0.0", trap)
    registry.asked.clear()
    assert asyncio.run(run(command, env, state))["version"] == "1.0.0"
    assert registry.asked == []

    refused = []
    with pytest.raises(UpstreamError, match="not those"):
        asyncio.run(run(command, env, state, lambda found: refused.append(found) or "not those"))
    assert refused == [packages]

    fresh = asyncio.run(fetch(wanted, state, env))
    assert fresh.packages[0].purl == f"pkg:{kind}/helper@2.0.0"
    assert asyncio.run(run(command, env, state))["version"] == "2.0.0"
    assert [each.name for each in (state / "launchers").iterdir()] == [fresh.folder.name]


@pytest.mark.parametrize("kind", LAUNCHES)
def test_content_that_is_not_what_the_registry_said_is_refused(kind, registry, env, tmp_path):
    name = "helper-1.0.0.tgz" if kind == "npm" else "helper-1.0.0-py3-none-any.whl"
    good = registry.files[name]
    listed = registry.answer("/simple/helper", registry.origin) if kind == "pypi" else b""
    registry.files[name] = (
        tarball({"package.json": "{}"}) if kind == "npm" else wheel("helper", "1.0.0", {"evil.py": ""})
    )
    assert registry.files[name] != good
    if kind == "pypi":  # its page still has the hash of what was there before
        answer = registry.answer
        registry.answer = lambda path, origin: (
            listed if path.rstrip("/") == "/simple/helper" else answer(path, origin)
        )
    with pytest.raises(UpstreamError, match="could not be fetched") as failure:
        asyncio.run(fetch(recognise(LAUNCHES[kind]), tmp_path / "state", env))
    assert "ntegrity" in failure.value.private or "ash" in failure.value.private
    assert list((tmp_path / "state" / "launchers").iterdir()) == []


def test_what_would_have_to_be_built_is_refused(registry, env, trap, tmp_path):
    with pytest.raises(UpstreamError, match="could not be fetched"):
        asyncio.run(fetch(recognise(["uvx", "sdist"]), tmp_path / "state", env))
    assert not trap.exists()


def test_what_does_not_exist_is_said(registry, env, tmp_path):
    for command in (["npx", "nothing"], ["uvx", "nothing"]):
        with pytest.raises(UpstreamError, match="could not be fetched"):
            asyncio.run(fetch(recognise(command), tmp_path / "state", env))
    with pytest.raises(UpstreamError, match="`server` has no program `other`"):
        asyncio.run(fetch(recognise(["npx", "-p", "server", "other"]), tmp_path / "state", env))
    with pytest.raises(UpstreamError, match="was not found on PATH: install it"):
        asyncio.run(fetch(recognise(["uvx", "server"]), tmp_path / "state", {"PATH": str(tmp_path)}))
