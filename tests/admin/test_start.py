"""What is not configured costs nothing: the admin face and its web framework stay unloaded."""

import subprocess
import sys

SCRIPT = """
import sys
import keepgate.cli, keepgate.compose, keepgate.compose.stdio
heavy = ("starlette", "keepgate.admin", "keepgate.compose.admin", "webauthn")
print([name for name in sys.modules if name.startswith(heavy)])
"""


def test_a_start_over_stdio_loads_nothing_of_it():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
