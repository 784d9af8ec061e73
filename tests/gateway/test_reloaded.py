"""What is shown of a reloaded configuration is what is in force."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from keepgate.compose.reload import Following
from keepgate.config import load

CONFIG = "version: 1\nstate: state\nlisten: 127.0.0.1:{port}\nservers: {{a: {{command: [{command}]}}}}\n"


def settings(tmp_path, port, command):
    file = tmp_path / "keepgate.yaml"
    file.write_text(CONFIG.format(port=port, command=command))
    return load(file, env={"HOME": str(tmp_path)})


def test_sections_that_need_a_restart_stay_those_of_the_start(tmp_path):
    gateway: Any = SimpleNamespace(enforcer=SimpleNamespace(rules=SimpleNamespace(policy_hash="h")))
    following = Following(gateway, settings(tmp_path, 8700, "x"), None, None)  # type: ignore[arg-type]
    fresh = settings(tmp_path, 9999, "y")
    shown = replace(fresh, **following._fixed(fresh))
    assert shown.address == ("127.0.0.1", 8700)
    assert shown.servers["a"].command == ("y",)
