"""What carries the mark is found and killed, whoever its parent is now; what does not is left alone."""

import os
import subprocess
import sys

import pytest

from keepgate.transports import orphans

linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc")

SLEEPS = "import time; time.sleep(60)"
DAEMON = f"""
import subprocess, sys
words = [sys.executable, "-c", {SLEEPS!r}]
print(subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True).pid)
"""


@linux
def test_only_what_carries_the_mark_is_killed():
    env = {**os.environ, orphans.MARK: "one"}
    marked = subprocess.Popen([sys.executable, "-c", SLEEPS], env=env)
    other = subprocess.Popen([sys.executable, "-c", SLEEPS], env={**env, orphans.MARK: "one-more"})
    done = subprocess.run([sys.executable, "-c", DAEMON], env=env, stdout=subprocess.PIPE, check=True)
    try:
        assert set(orphans.marked("one")) == {marked.pid, int(done.stdout)}
        assert orphans.kill("one") >= 2
        assert marked.wait(10) == -9
        assert other.poll() is None
        assert orphans.kill("none such") == 0
    finally:
        other.kill()
        other.wait()
