"""What a decision costs: microseconds of one core, beside a loop that shows how fast this machine is right now.

200 policies: 50 roles with an entry of each kind, a tenth of them with conditions. Each figure is the best and the
median of several rounds; the best is what the work costs, what lies above it is what else the machine did.

usage: python -m bench.policy [-r ROUNDS]
"""

import argparse
import statistics
import time
from collections.abc import Callable

from keepgate.model.access import Action, Principal, Request, Resource, ResourceKind
from keepgate.model.verdict import Effect
from keepgate.policy.conditions import Argument, When
from keepgate.policy.engine import Engine
from keepgate.policy.roles import Conditional, Grant, Role

POLICIES = 200
TOOLS = 500
KEY = Principal("key:bench", "key", groups=("devs", "ops"), tenant="acme", user="alice")
DECLARED = {"type": "object", "properties": {"limit": {"type": "integer"}}, "required": ["limit"]}


def calibration() -> None:
    """A fixed piece of pure Python: 100,000 additions."""
    total = 0
    for number in range(100_000):
        total += number
    assert total


def policies() -> dict[str, Role]:
    """50 roles of four entries: a tool of their own, one of many names, a question, and a denial."""
    roles = {}
    for number in range(POLICIES // 4 - 1):
        limit = Conditional(f"crm/search_{number}", When({"limit": Argument(at_most=100)}))
        roles[f"r{number}"] = Role(
            allow=(f"files/tool_{number}", limit if number % 10 == 0 else f"crm/search_{number}"),
            ask=(f"files/write_{number}_*",),
            deny=(f"*/secret_{number}*",),
        )
    roles["wide"] = Role(
        allow=(
            "files/*",
            Conditional("db/query", When({"limit": Argument(at_most=100)})),
            Conditional("fs/write", When({"path": Argument(below="/srv/data")})),
        ),
        deny=("*/forbidden_*",),
    )
    return roles


EXPERT = """
permit (principal, action == Action::"call_tool", resource == Tool::"typed/t") when { context.input.limit <= 9 };
"""


def made() -> Engine:
    roles = policies()
    return Engine.compile(roles, [Grant("key:bench", name) for name in roles], EXPERT)


def ask(server: str, name: str, **context: object) -> Request:
    return Request(KEY, Action.CALL_TOOL, Resource(ResourceKind.TOOL, server, name), context)


def measure(work: Callable[[], object], count: int, rounds: int) -> tuple[float, float]:
    """Best and median of one piece of work in microseconds."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(count):
            work()
        found.append((time.perf_counter() - start) / count * 1e6)
    return min(found), statistics.median(found)


def varied(engine: Engine, requests: list[Request]) -> Callable[[], object]:
    """Another request each time, so that no memo of contexts answers."""
    state = [0]

    def work() -> object:
        state[0] += 1
        return engine.decide(requests[state[0] % len(requests)])

    return work


def listing(engine: Engine) -> Callable[[], object]:
    tools = [Resource(ResourceKind.TOOL, "files", f"tool_{number}") for number in range(TOOLS)]
    return lambda: [tool for tool in tools if engine.visible(KEY, tool)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-r", "--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    start = time.perf_counter()
    engine = made()
    compiled = (time.perf_counter() - start) * 1e3
    assert len(engine.rules) >= POLICIES
    common = ask("files", "tool_1")
    assert engine.decide(common).effect is Effect.ALLOW
    amounts = [ask("db", "query", arguments={"limit": n / 100}) for n in range(9000)]
    paths = [ask("fs", "write", arguments={"path": f"/srv/data/dir{n % 90}/f{n}.txt"}) for n in range(9000)]
    typed = [ask("typed", "t", arguments={"limit": n - 9000}, schema=DECLARED) for n in range(9000)]
    for request in (amounts[0], paths[0], typed[0]):
        assert engine.decide(request).effect is Effect.ALLOW
    repeated = ask("db", "query", arguments={"limit": 7})
    lines = [("calibration: 100,000 additions", *measure(calibration, 20, rounds))]
    lines.append(("memoised decision", *measure(lambda: engine.decide(common), 20_000, rounds)))
    for name, requests in (("amount", amounts), ("path", paths), ("typed argument", typed)):
        lines.append(
            (f"argument-dependent decision: {name}", *measure(varied(engine, requests), 3000, rounds))
        )
    lines.append(("the same facts as before", *measure(lambda: engine.decide(repeated), 5000, rounds)))
    cold = []
    for _ in range(rounds):
        fresh = made()
        start = time.perf_counter()
        listing(fresh)()
        cold.append((time.perf_counter() - start) * 1e6)
    lines.append((f"listing {TOOLS} tools, cold", min(cold), statistics.median(cold)))
    warm = listing(engine)
    warm()
    lines.append((f"listing {TOOLS} tools, warm", *measure(warm, 20, rounds)))
    print(f"{len(engine.rules)} policies, compiled and validated in {compiled:.0f} ms\n")
    print(f"{'':<44}{'best':>12}{'median':>12}")
    for name, best, median in lines:
        print(f"{name:<44}{best:>9.1f} µs{median:>9.1f} µs")


if __name__ == "__main__":
    main()
