"""The stdio front over pipes, files and a terminal."""

import asyncio
import os
import pty
import select
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest

from keepgate.transports import stdio_server
from keepgate.transports.stdio_server import serve_stdio
from tests.transports.http_peer import LOOPS, PATIENCE

ROOT = Path(__file__).parents[2]


class Echo:
    """Sends every line back; what `closed` still has to say is said."""

    def __init__(self, send, farewell=()):
        self.send = send
        self.farewell = farewell
        self.lines = []
        self.failure = None

    def receive(self, line):
        self.lines.append(line)
        self.sent = self.send(line)

    def failed(self, error):
        self.failure = error
        self.send(b"failed")

    async def closed(self):
        await asyncio.sleep(0)
        for line in self.farewell:
            self.send(line)


class Front:
    """`serve_stdio` in a thread, with what the client holds of its pipes."""

    def __init__(self, loop="asyncio", make=Echo, source=None, sink=None, **options):
        self.write = self.read = None
        if source is None:
            source, self.write = os.pipe()
        if sink is None:
            self.read, sink = os.pipe()
        self.handler = self.error = None

        def connect(send):
            self.handler = make(send)
            return self.handler

        def run():
            with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
                try:
                    runner.run(serve_stdio(connect, descriptors=(source, sink), **options))
                except BaseException as error:
                    self.error = error
            os.close(sink)
            os.close(source)

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def say(self, data):
        while data:
            data = data[os.write(self.write, data) :]

    def hear(self, count):
        out = b""
        while len(out) < count and (data := os.read(self.read, min(count - len(out), 65536))):
            out += data
        return out

    def hang_up(self):
        os.close(self.write)
        self.write = None

    def rest(self):
        return self.hear(1 << 40)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for descriptor in (self.write, self.read):
            if descriptor is not None:
                os.close(descriptor)
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        assert self.error is None


@pytest.fixture(params=LOOPS)
def loop(request):
    return request.param


def test_lines_go_in_and_out_in_order(loop):
    with Front(loop) as front:
        front.say(b"one\n\ntwo\r\nthr")
        assert front.hear(8) == b"one\ntwo\n"
        front.say(b"ee\n")
        assert front.hear(6) == b"three\n"
        front.hang_up()
        assert front.rest() == b""


def test_a_line_may_come_a_byte_at_a_time(loop):
    with Front(loop) as front:
        for byte in b"hello\n" * 20:
            front.say(bytes((byte,)))
        assert front.hear(120) == b"hello\n" * 20


def test_what_is_said_at_the_end_is_still_heard(loop):
    with Front(loop, lambda send: Echo(send, [b"x" * 300_000, b"bye"])) as front:
        front.say(b"one\nunfinished")
        front.hang_up()
        assert front.rest() == b"one\n" + b"x" * 300_000 + b"\nbye\n"
        assert front.handler.lines == [b"one"]


def test_after_an_overlong_line_nothing_is_taken_for_a_line(loop):
    with Front(loop, limit=100_000) as front:
        front.say(b"one\n" + b"x" * 100_001)
        assert front.rest() == b"one\nfailed\n"
        assert front.handler.lines == [b"one"]
        assert "100000" in front.handler.failure.public


def test_while_the_client_does_not_read_its_lines_are_not_read(loop):
    line = b"x" * 1000
    with Front(loop) as front:
        said = 0
        # A pipe that stays full for a second has nobody who reads it.
        while select.select([], [front.write], [], 1)[1]:
            said += os.write(front.write, (line + b"\n") * 4)
            assert said < 20_000_000
        assert front.hear(said) == (line + b"\n") * (said // 1001)


def test_a_client_that_is_too_far_behind_is_given_up(loop, monkeypatch):
    monkeypatch.setattr(stdio_server, "_MOST", 1000)
    monkeypatch.setattr(stdio_server, "_FLUSH", 0.05)

    class Flood(Echo):
        def receive(self, line):
            self.sent = [self.send(b"x" * 200_000) for _ in range(3)]

    with Front(loop, Flood) as front:
        front.say(b"go\n")
        front.thread.join(PATIENCE)
        assert front.handler.sent == [True, False, False]


def test_a_client_that_has_gone_ends_it(loop):
    with Front(loop) as front:
        os.close(front.read)
        front.read = None
        front.say(b"one\n")
        front.thread.join(PATIENCE)
        assert not front.thread.is_alive()
        assert not front.handler.send(b"more")


def test_cancelling_it_closes_the_handler(loop):
    class Stop(Echo):
        def receive(self, line):
            super().receive(line)
            asyncio.current_task().cancel()

    with Front(loop, lambda send: Stop(send, [b"bye"])) as front:
        front.say(b"one\n")
        assert front.rest() == b"one\nbye\n"
        front.thread.join(PATIENCE)
        assert isinstance(front.error, asyncio.CancelledError)
        front.error = None


def test_files_will_do(loop, tmp_path):
    (tmp_path / "in").write_bytes(b"one\ntwo\n" * 20_000)
    source, sink = os.open(tmp_path / "in", os.O_RDONLY), os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    with Front(loop, source=source, sink=sink) as front:
        front.thread.join(PATIENCE)
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\n" * 20_000


def test_a_terminal_will_do(loop):
    master, slave = pty.openpty()
    modes = termios.tcgetattr(slave)
    modes[1] &= ~termios.OPOST
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    with Front(loop, source=slave, sink=os.dup(slave)):
        os.write(master, b"hello\n")
        assert os.read(master, 100) == b"hello\n"
        os.write(master, b"\x04")
    os.close(master)


def test_descriptors_left_non_blocking_by_others_will_do(loop):
    source, write = os.pipe()
    os.set_blocking(source, False)
    with Front(loop, source=source) as front:
        front.write = write
        front.say(b"hello\n")
        assert front.hear(6) == b"hello\n"


PROGRAM = """
import asyncio, os, subprocess, sys
from keepgate.transports.stdio_server import serve_stdio
class Handler:
    def __init__(self, send):
        self.send = send
        print("printed")
        sys.stdout.flush()
        os.write(1, b"written\\n")
        subprocess.run(["sh", "-c", "echo from a child; cat"])
    def receive(self, line):
        self.send(line.upper())
    async def closed(self):
        self.send(b"bye")
asyncio.run(serve_stdio(Handler))
"""


def test_nothing_else_reaches_stdout_or_reads_stdin():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=b"one\ntwo\n",
        capture_output=True,
        timeout=PATIENCE,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    assert done.stdout == b"ONE\nTWO\nbye\n"
    assert done.stderr == b"printed\nwritten\nfrom a child\n"
    assert done.returncode == 0


def test_the_process_ends_although_stdin_stays_open():
    program = PROGRAM.replace("self.send(line.upper())", "asyncio.current_task().cancel()")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=pipe, stdout=pipe, stderr=pipe, env=environment
    ) as process:
        process.stdin.write(b"one\n")
        process.stdin.flush()
        try:
            assert process.wait(PATIENCE) == 1
            assert process.stdout.read() == b"bye\n"
        finally:
            process.kill()
