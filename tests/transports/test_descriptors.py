"""The soft limit of descriptors goes up, never down, and never over the hard one."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from keepgate.transports.descriptors import make_room
soft, hard = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(make_room(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(("soft", "hard", "after"), [(256, 2048, 2048), (1024, 1024, 1024)])
def test_there_is_room_as_far_as_the_hard_limit_goes(soft, hard, after):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(soft), str(hard)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(after), str(after)]
