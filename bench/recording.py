"""What one record costs: CPU of the whole process, in microseconds, by size of the payload and by durability.

The log is the real one, in a directory of its own that is removed again; its second thread, which signs, hashes the
tree and syncs, is counted with it. `batch`: `append` returned. `sync`: so many are appended at once as wait for the
disk together (-w), then `durable` returned. The best of several rounds is what the work costs; what lies above it is
what else the machine did.

usage: python -m bench.recording [-d DIRECTORY] [-r ROUNDS] [-w WAITING]
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from keepgate.audit.record import Entry
from keepgate.stores.audit import SegmentLog, open_log

SIZES = {"200 B": 200, "4 KiB": 4096, "64 KiB": 65536, "1 MiB": 1 << 20}
BYTES = 24 << 20
"""Bytes of payloads in a round, at most."""
MOST = 20_000
"""Records in a round, at most."""


def entries(size: int) -> Callable[[int], Entry]:
    """Makes the request and the reply of calls of one tool, as the gateway does."""
    payload = b'{"name":"echo","arguments":{"text":"' + b"x" * size + b'"}}'
    shared = ("tools/call", "key:bench", "wrk/4.1", "up", "echo", "allow", "", "9" * 64, ("policy0",), ())
    kinds = (("to_server", "request"), ("to_client", "result"))

    def make(number: int) -> Entry:
        return Entry(
            time.time_ns(),
            f"{number >> 1:016x}",
            *kinds[number & 1],
            *shared,
            len(payload),
            payload,
        )

    return make


def batch(log: SegmentLog, make: Callable[[int], Entry], count: int) -> None:
    for number in range(count):
        log.append(make(number))


async def sync(log: SegmentLog, make: Callable[[int], Entry], count: int, waiting: int) -> None:
    for start in range(0, count, waiting):
        newest = 0
        for number in range(start, min(start + waiting, count)):
            newest = log.append(make(number))
        await log.durable(newest)


def rounds(directory: str | None, size: int, count: int, waiting: int) -> dict[str, list[float]]:
    """CPU of this process, microseconds a record: of each kind in each round."""
    make = entries(size)
    with tempfile.TemporaryDirectory(dir=directory) as place:
        log = open_log(Path(place), os.urandom(32))
        found: dict[str, list[float]] = {"batch": [], "sync": []}
        for _ in range(count):
            records = min(MOST, BYTES // size)
            started = time.process_time_ns()
            batch(log, make, records)
            between = time.process_time_ns()
            asyncio.run(sync(log, make, records // 4, waiting))
            ended = time.process_time_ns()
            found["batch"].append((between - started) / records / 1000)
            found["sync"].append((ended - between) / (records // 4) / 1000)
        log.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-d", "--directory", help="where the log is written, and removed again")
    parser.add_argument("-r", "--rounds", type=int, default=5)
    parser.add_argument(
        "-w", "--waiting", type=int, default=32, help="records that wait for the disk together"
    )
    given = parser.parse_args()
    print(
        f"{'payload':>8}  {'batch':>18}  {f'sync, {given.waiting} waiting':>18}   CPU us a record: best (median)"
    )
    for name, size in SIZES.items():
        found = rounds(given.directory, size, given.rounds, given.waiting)
        cells = [f"{min(costs):.1f} ({statistics.median(costs):.1f})" for costs in found.values()]
        print(f"{name:>8}  {cells[0]:>18}  {cells[1]:>18}", flush=True)


if __name__ == "__main__":
    main()
