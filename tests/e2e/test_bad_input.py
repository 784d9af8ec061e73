"""What a person gets wrong, through the real command line: each says what is wrong and what to do, never a traceback."""

import asyncio
import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.client import Handshake, conversation
from tests.e2e.faults import failed, keepgate, texts, with_tools
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.start import Upstream, over_stdio
from tests.support import processes

GOOD = """\
version: 1
listen: 127.0.0.1:{port}
state: state
servers:
  files:
    command: [{python}, -c, pass]
access:
  roles:
    reader: {{allow: ["files/*"]}}
  grants:
    - {{to: "key:laptop", role: reader}}
"""


def good():
    return GOOD.format(port=processes.free_port(), python=json.dumps(sys.executable))


def write(directory, text):
    file = directory / "keepgate.yaml"
    file.write_text(text)
    file.chmod(0o600)
    return text


def run(directory, *words, env=None):
    """The command; no traceback, whatever happens."""
    done = keepgate(directory, *words, env=env)
    for said in (done.stdout, done.stderr):
        assert "Traceback" not in said, said
    return done


def at(text, word):
    """`line:column` of a word."""
    before = text.partition(word)[0]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


# The configuration. Old text, new text, where the mistake is (its word), what must be said: the cause, then the cure.

CONFIG = {
    "a wrong key": ("listen:", "lisen:", "lisen", ["unknown key `lisen`", "`listen`"]),
    "a wrong key of a server": ("command:", "comand:", "comand", ["comand", "`command`"]),
    "a key of a later version: sandbox": (
        "access:\n",
        "    sandbox: strict\naccess:\n",
        "sandbox",
        ["sandbox"],
    ),
    "a key of a later version: auth: oauth": (
        "access:\n",
        "    auth: {type: oauth}\naccess:\n",
        "auth: {",
        ["auth"],
    ),
    "an unknown role": ("role: reader", "role: raeder", "raeder", ["unknown role `raeder`", "`reader`"]),
    "an unknown server": ("files/*", "flies/*", '"flies/*"', ["unknown server `flies`", "`files`"]),
    "a wrong type": ("version: 1", "version: one", "one", ["version"]),
    "an unknown version": ("version: 1", "version: 2", "2", ["1"]),
    "a grant to nobody known": ("key:laptop", "laptop", '"laptop"', ["laptop", "key:"]),
    "a duplicate key": ("state: state\n", "state: state\nstate: other\n", "state: other", ["state"]),
    "a tab for indentation": ("  files:", "\tfiles:", None, ["tab"]),
    "an unclosed list": ('["files/*"]', '["files/*"', None, ["keepgate.yaml:"]),
    "not UTF-8": None,
    "a command as one string": (None, "files-server ./data", None, ["list", "shell"]),
    "no command and no url": ("    command:", "    cwd: .\n    args:", None, ["`command`", "`url`"]),
    "a port that is none": (":{port}", ":99999", "127", ["127.0.0.1:8700"]),
    "anonymous off loopback": (
        "state: state\n",
        "state: state\nidentity: {anonymous: true}\n",
        "anonymous",
        ["only for loopback", "127.0.0.1"],
    ),
    "plain text off loopback": ("127.0.0.1", "192.0.2.1", "192.0.2.1", ["in clear", "`tls`"]),
    "postgresql storage": (
        "state: state\n",
        "state: state\nstorage: postgresql://db/keepgate\n",
        "postgresql",
        ["postgresql", "sqlite"],
    ),
    "a limit out of range": (
        "state: state\n",
        "state: state\nlimits: {depth: 100000}\n",
        "100000",
        ["depth", "128"],
    ),
}


def wrong(name):
    """The configuration with this mistake, and where it is."""
    text = good()
    old, new, word, _ = CONFIG[name]
    if name == "a command as one string":
        line = next(each for each in text.splitlines() if "command:" in each)
        return text.replace(line, f"    command: {new}"), None
    if name == "a port that is none":
        line = next(each for each in text.splitlines() if "listen:" in each)
        return text.replace(line, "listen: 127.0.0.1:99999"), None
    if name == "anonymous off loopback":
        text = text.replace("127.0.0.1", "192.0.2.1")
    assert old in text
    text = text.replace(old, new, 1)
    return text, word and at(text, word)


@pytest.mark.parametrize("name", [name for name, case in CONFIG.items() if case])
def test_a_wrong_configuration_is_refused_with_the_place_the_cause_and_the_cure(tmp_path, name):
    text, place = wrong(name)
    write(tmp_path, text)
    done = run(tmp_path, "serve")
    assert done.returncode == 1, done
    assert done.stdout == ""
    for word in CONFIG[name][3]:
        assert word in done.stderr, done.stderr
    assert "keepgate.yaml:" in done.stderr
    if place:
        assert f"keepgate.yaml:{place}" in done.stderr, (place, done.stderr)
