"""What inspection costs by itself: microseconds of CPU for one message, the guards alone, without transport or record.

    python -m bench.inspection            both engines, the quietest of several rounds

Every message has a text of its own, so that nothing is measured twice; a tenth of the texts is not ASCII.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from keepgate.config.inspection import detectors
from keepgate.decide.actions import PROFILES
from keepgate.decide.guards.content import Content
from keepgate.decide.guards.schema import Posture, SchemaRules, Schemas
from keepgate.decide.schemas import contract_of
from keepgate.detect.matcher import available
from keepgate.detect.rules import PHRASES, RULES
from keepgate.model.access import ANONYMOUS
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind, Message

ROUNDS = 7
WORDS = "the order of 12 March was shipped to the customer; token count 4096, see path/to/file.txt and report".split()
OTHER = "über naïve Straße 東京 données".split()
TOOL = {
    "name": "t",
    "inputSchema": {
        "type": "object",
        "properties": {
            "text": {"type": "string", "maxLength": 10_000_000},
            "limit": {"type": "integer", "minimum": 0},
            "mode": {"enum": ["a", "b"]},
        },
        "required": ["text"],
        "additionalProperties": False,
    },
    "outputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}


def text(size: int, number: int) -> str:
    words = [*WORDS, OTHER[number % len(OTHER)]] if number % 10 == 0 else WORDS
    out = f"{number} "
    at = number
    while len(out) < size:
        out += words[at * 7 % len(words)] + " "
        at += 1
    return out[:size]


def messages(size: int, count: int) -> tuple[list[Exchange], list[Exchange]]:
    """Requests and replies around texts of this many characters."""
    contract = contract_of(TOOL)
    asked, answered = [], []
    for number in range(count):
        arguments = {"text": text(size, number), "limit": number, "mode": "a"}
        params = {"name": "t", "arguments": arguments, "_meta": {"progressToken": number}}
        result = {
            "resultType": "complete",
            "content": [{"type": "text", "text": text(size, number + 1)}],
            "structuredContent": {"text": "done"},
        }
        for to, kind, direction, body in (
            (asked, Kind.REQUEST, Direction.TO_SERVER, {"method": "tools/call", "params": params}),
            (answered, Kind.RESULT, Direction.TO_CLIENT, {"result": result}),
        ):
            message = Message(kind, body, size + 150)
            to.append(Exchange(message, direction, ANONYMOUS, "2026-07-28", contract=contract))
    return asked, answered


def cost(work: Callable[[Exchange], Any], exchanges: Sequence[Exchange]) -> float:
    start = time.process_time_ns()
    for exchange in exchanges:
        work(exchange)
    return (time.process_time_ns() - start) / 1000 / len(exchanges)


def main() -> None:
    engines = ["re2", *(["hyperscan"] if available() else [])]
    guards: dict[str, Any] = {"schema": Schemas(SchemaRules(results=Posture.ENFORCE))}
    guards |= {f"content, {engine}": Content(detectors(engine), *PROFILES["balanced"]) for engine in engines}
    print(
        f"µs of CPU for one message, {len(RULES)} patterns, {len(PHRASES)} structures, quietest of {ROUNDS} rounds\n"
    )
    print(f"| characters of text | {' | '.join(f'{name}: to server | to client' for name in guards)} |")
    print("|---" * (1 + 2 * len(guards)) + "|")
    for size, count in ((200, 2000), (4096, 400), (65536, 40), (1_000_000, 4)):
        asked, answered = messages(size, count)
        measured: dict[str, list[tuple[float, float]]] = {name: [] for name in guards}
        for _ in range(ROUNDS):
            for name, guard in guards.items():

                def work(exchange: Exchange, guard: Any = guard) -> None:
                    guard.check(exchange, {})

                measured[name].append((cost(work, asked), cost(work, answered)))
        cells = [min(each[side] for each in measured[name]) for name in guards for side in (0, 1)]
        print(f"| {size} | {' | '.join(f'{cell:.1f}' for cell in cells)} |")


if __name__ == "__main__":
    main()
