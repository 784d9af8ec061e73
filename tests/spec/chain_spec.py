"""The chain in one page: what `keepgate.decide.chain.decide` must equal. Executable, and compared by hypothesis.

A guard's answer is an effect, None (no opinion) or ERROR (it raised). Order decides ties only.
"""

from keepgate.model.verdict import Effect

ERROR = "error"

Answer = Effect | None | str


def spec(answers: list[tuple[str, Answer]]) -> Effect:
    """The effect for guards with these ids and answers."""
    effects = [Effect.DENY if answer == ERROR else answer for _, answer in answers if answer is not None]
    opened = any(name == "authorize" and answer not in (None, ERROR, Effect.DENY) for name, answer in answers)
    if not opened:
        return Effect.DENY
    return max(effects)  # type: ignore[type-var]
