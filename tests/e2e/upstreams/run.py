"""Starts one server of ours: `run.py http|stdio --table FILE --record FILE [--port N] [--cr]`."""

import argparse
import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.e2e.upstreams import over_http, over_stdio
from tests.e2e.upstreams.brain import Brain, Table
from tests.e2e.upstreams.record import Recorder
from tests.e2e.upstreams.task_brain import TaskBrain


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("transport", choices=["http", "stdio"])
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cr", action="store_true")
    given = parser.parse_args()
    recorder = Recorder(given.record)
    table = Table.read(given.table)
    brain = TaskBrain(table, recorder) if table.brain == "tasks" else Brain(table, recorder)
    if given.transport == "http":
        asyncio.run(over_http.serve(brain, recorder, given.port))
    else:
        asyncio.run(over_stdio.serve(brain, recorder, bare_cr=given.cr))


if __name__ == "__main__":
    main()
