"""Exact comparison of JSON: `1`, `1.0`, `true` and `"1"` are four different things."""

from collections.abc import Iterator
from typing import Any

GONE = object()


def differences(sent: Any, got: Any, at: str = "") -> Iterator[str]:
    """Where and how `got` differs from `sent`, as `/json/pointer: what`."""
    if type(sent) is not type(got):
        yield f"{at or '/'}: {short(sent)} became {short(got)}"
    elif isinstance(sent, dict):
        for key in [*sent, *(k for k in got if k not in sent)]:
            where = f"{at}/{key}"
            if key not in got:
                yield f"{where}: lost"
            elif key not in sent:
                yield f"{where}: added {short(got[key])}"
            else:
                yield from differences(sent[key], got[key], where)
    elif isinstance(sent, list):
        if len(sent) != len(got):
            yield f"{at}: {len(sent)} items became {len(got)}"
        for number, (one, other) in enumerate(zip(sent, got, strict=False)):
            yield from differences(one, other, f"{at}/{number}")
    elif sent != got:
        yield f"{at or '/'}: {short(sent)} became {short(got)}"


def short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."


def without(value: Any, *paths: str) -> Any:
    """A copy without the members at these `/json/pointers`."""
    for path in paths:
        value = _without(value, path.strip("/").split("/"))
    return value


def _without(value: Any, keys: list[str]) -> Any:
    if not isinstance(value, dict) or keys[0] not in value:
        return value
    if len(keys) == 1:
        return {key: item for key, item in value.items() if key != keys[0]}
    return {**value, keys[0]: _without(value[keys[0]], keys[1:])}
