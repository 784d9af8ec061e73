"""The `client --command` of the conformance suite: keepgate before its server, the SDK's client before keepgate.

usage: gwclient.py SUITE_URL      exits as the client did

Environment: KEEPGATE_GWCLIENT_LOG, a file that keepgate's output is appended to.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conformance.suite import gateway_before
from tests.support import peers


def main(upstream: str) -> int:
    with tempfile.TemporaryDirectory(prefix="keepgate-gwclient-") as name:
        directory = Path(name)
        try:
            with gateway_before(upstream, directory) as url:
                return subprocess.call([sys.executable, str(peers.SDK_CLIENT), url])
        finally:
            log = os.environ.get("KEEPGATE_GWCLIENT_LOG")
            if log:
                with open(log, "ab") as out:
                    out.writelines(file.read_bytes() for file in sorted(directory.glob("*.log")))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
