"""What evidence costs once there is much of it: append, index, search, verify, prove.

    .venv/bin/python -m bench.audit [RECORDS] [DIRECTORY] [-w SECONDS]

Writes a log of so many records (default a million) of 500 principals over 30 days, half of them with payloads, and
prints a table. Times are of this process alone, on one core. With DIRECTORY the log is kept there and gone on with, so
a large one can be made in several runs (`-w SECONDS` ends one early).
"""

import argparse
import random
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path

from keepgate.audit.receipt import document, verify_document
from keepgate.audit.record import Entry, rfc3339
from keepgate.audit.segment import Header
from keepgate.audit.verify import Status
from keepgate.stores.audit import Pace, open_log
from keepgate.stores.audit.files import LOG, audit_directory, segment, segments, writers
from keepgate.stores.audit.index import Filter, Index
from keepgate.stores.audit.proving import Prover
from keepgate.stores.audit.reading import verify

KEK = bytes(range(100, 132))
START = 1_793_000_000_000_000_000
DAY = 86_400 * 10**9
PRINCIPALS, TOOLS = 500, 40
PAYLOAD = b'{"arguments":{"path":"/srv/data/file"}}'
PARTS = 10
RUNS = 30


def entries(count: int):
    """Pairs of a call and its result, over 30 days; one principal in twenty makes half of the calls."""
    dice = random.Random(7)
    step = 30 * DAY // count
    for number in range(0, count, 2):
        busy = dice.random() < 0.5
        who = dice.randrange(PRINCIPALS // 20 if busy else PRINCIPALS)
        tool, trace = dice.randrange(TOOLS), f"{dice.getrandbits(64):016x}"
        denied = dice.random() < 0.01
        call = Entry(
            START + number * step, trace, "to_server", "request", "tools/call", f"user:{who}", "client/1.0",
            f"server{tool % 8}", f"tool_{tool}", "deny" if denied else "allow", "no role allows it" if denied else "",
            "p" * 64, (f"rule{tool % 12}",), (), "", 180, PAYLOAD if number % 4 else b"",
        )  # fmt: skip
        yield call
        yield call._replace(time_ns=call.time_ns + 4_000_000, direction="to_client", kind="result", size=900)


def timed(work) -> tuple[float, float]:
    """Milliseconds by the clock, and of CPU."""
    start = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - start[0]) * 1e3, (time.process_time() - start[1]) * 1e3


def spread(times: list[tuple[float, float]]) -> str:
    clock, cpu = ([each[at] for each in times] for at in (0, 1))
    return (
        f"{statistics.median(clock):.1f} ms median, {max(clock):.1f} ms worst of {len(times)}; "
        f"of CPU {statistics.median(cpu):.1f} and {max(cpu):.1f}"
    )


def there(state: Path) -> int:
    """How many records were written before."""
    for directory in writers(audit_directory(state)):
        lines = segment(directory, segments(directory)[-1], LOG).read_bytes().split(b"\n")
        return Header.parse(lines[0] + b"\n").seq + len(lines) - 2
    return 0


def write(state: Path, count: int, seconds: float) -> bool:
    """Whether all records are there."""
    written = there(state)
    if written >= count:
        return True
    log = open_log(state, KEK, pace=Pace())
    end = time.monotonic() + seconds
    part = count // PARTS
    source = islice(entries(count), written, None)
    while written < count and time.monotonic() < end:
        batch = list(islice(source, part - written % part))
        start = time.process_time()
        for entry in batch:
            written = log.append(entry) + 1
        cost = (time.process_time() - start) / len(batch) * 1e6
        print(f"append, {written:,} records: {cost:.1f} us of CPU each", flush=True)
    log.close()
    return written >= count


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("records", type=int, nargs="?", default=1_000_000)
    parser.add_argument("directory", type=Path, nargs="?")
    parser.add_argument("-w", dest="seconds", type=float, default=1e9)
    given = parser.parse_args()
    if given.directory is not None:
        measure(given.directory / "state", given.records, given.seconds)
        return
    with tempfile.TemporaryDirectory() as home:
        measure(Path(home) / "state", given.records, given.seconds)


def measure(state: Path, count: int, seconds: float) -> None:
    if not write(state, count, seconds):
        return
    index = Index(state / "index.db", state)
    start = time.process_time(), time.perf_counter()
    new = index.catch_up()
    spent, passed = time.process_time() - start[0], time.perf_counter() - start[1]
    size = (state / "index.db").stat().st_size
    if new:
        print(f"index: {new / spent:,.0f} records a second of CPU ({new / passed:,.0f} by the clock)")
    print(f"index: {size / count:.0f} bytes each", flush=True)
    search(index, state)
    prove(index, state)
    start = time.process_time(), time.perf_counter()
    (report,) = verify(state)
    spent, passed = time.process_time() - start[0], time.perf_counter() - start[1]
    assert report.status is Status.PASS, report.failed
    assert report.records == count
    print(f"verify: {count / spent:,.0f} records a second of CPU ({count / passed:,.0f} by the clock)")


def search(index: Index, state: Path) -> None:
    from keepgate.stores.audit.data_keys import DataKeys

    keys = list(DataKeys(state / "audit" / "keys", KEK).all().values())
    dice = random.Random(3)

    def principal(number: int) -> frozenset[str]:
        return frozenset(key.id for key in keys if key.principal == f"user:{number}")

    def day(number: int) -> dict[str, str]:
        return {"since": rfc3339(START + number * DAY), "until": rfc3339(START + (number + 1) * DAY)}

    some = [record["trace"] for _, record in index.query(Filter(), limit=1000)]
    questions = {
        "a busy principal, one day": lambda: Filter(
            principals=principal(dice.randrange(20)), **day(dice.randrange(29))
        ),
        "any principal, all time": lambda: Filter(principals=principal(dice.randrange(PRINCIPALS))),
        "a tool, one day": lambda: Filter(
            names=frozenset({f"tool_{dice.randrange(TOOLS)}"}), **day(dice.randrange(29))
        ),
        "denied, one day": lambda: Filter(effect="deny", **day(dice.randrange(29))),
        "a busy principal's denied calls, all time": lambda: Filter(
            principals=principal(dice.randrange(20)), effect="deny"
        ),
        "a rule, all time": lambda: Filter(rule=f"rule{dice.randrange(12)}"),
        "a decision id": lambda: Filter(trace=dice.choice(some)),
    }
    for name, make in questions.items():
        wanted = [make() for _ in range(RUNS)]
        found = 0

        def ask(each: Filter) -> None:
            nonlocal found
            found += len(index.query(each, limit=1000))

        times = [timed(lambda each=each: ask(each)) for each in wanted]
        assert found, name
        print(f"query, {name}: {spread(times)}; {found // RUNS} records found", flush=True)


def prove(index: Index, state: Path) -> None:
    dice = random.Random(5)
    prover = Prover(state, index)
    traces = [
        record["trace"] for _, record in index.query(Filter(until=rfc3339(START + 20 * DAY)), limit=2000)
    ]
    chosen = [dice.choice(traces) for _ in range(RUNS)]
    print(
        f"prove one decision (two records): {spread([timed(lambda t=t: prover.decision(t)) for t in chosen])}"
    )
    made = [document(prover.decision(trace)) for trace in chosen]
    print(
        f"check one proof file: {spread([timed(lambda each=each: verify_document(each)) for each in made])}"
    )


if __name__ == "__main__":
    main()
