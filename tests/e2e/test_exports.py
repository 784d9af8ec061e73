"""A running keepgate passes its events on by itself, and leaves nothing behind when it ends, however it ends."""

import json
import os
import signal
import time

import httpx2
import psutil
import pytest

from tests.compose.test_exports import HttpReceiver, closing
from tests.support import processes

pytestmark = pytest.mark.e2e


def followers(pid: int) -> list[psutil.Process]:
    return [each for each in psutil.Process(pid).children() if "follow" in each.cmdline()]


def events(receiver) -> list[str]:
    return [
        json.loads(record["body"]["stringValue"])["method"]
        for _, body in receiver.bodies
        for resource in json.loads(body)["resourceLogs"]
        for scope in resource["scopeLogs"]
        for record in scope["logRecords"]
    ]


def within(seconds: float, holds) -> bool:
    end = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return bool(held)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_events_arrive_and_the_process_beside_ends_with_the_gateway(tmp_path, ending):
    with closing(HttpReceiver()) as receiver:
        config = processes.allow_all(processes.free_port(), tmp_path, {})
        config["audit"] = {"exports": {"otel": {"kind": "otlp", "url": receiver.url}}}
        with processes.keepgate_serving(tmp_path, config) as (url, process):
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
            httpx2.post(url, json=body, headers={"Authorization": "Bearer wrong"}, timeout=10)
            assert within(30, lambda: "auth.failed" in events(receiver))
            assert events(receiver)[0] == "start"
            (beside,) = followers(process.process.pid)
            os.kill(process.process.pid, ending)
            process.process.wait(20)
            assert within(20, lambda: not beside.is_running() or beside.status() == psutil.STATUS_ZOMBIE)
