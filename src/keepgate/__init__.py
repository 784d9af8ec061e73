"""keepgate: the security gateway for the Model Context Protocol.

    import keepgate
    answer = keepgate.check({"kind": "tool_output", "text": "..."})
    answer.verdict, answer.score, answer.findings

What this module names is stable; everything below it may change between versions.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keepgate.decide.check import Answer
    from keepgate.decide.guards.content import Content

__all__ = ["__version__", "check"]
__version__ = "0.1.0"


def check(artifact: dict[str, Any], *, profile: str = "balanced") -> Answer:
    """Judge one artifact, an object as `keepgate check` reads it (docs/check.md); profile: relaxed, balanced, strict.

    Answers are equal for equal arguments. Raises RemoteError for an artifact and LocalError for a profile that cannot
    be used. The detectors are made at the first call and kept; calls from several threads are fine.
    """
    from keepgate.decide.check import judge
    from keepgate.detect.artifact import artifact_of

    return judge(artifact_of(artifact), _guard(profile))


@cache
def _guard(profile: str) -> Content:
    from keepgate.config.inspection import content_guard

    return content_guard(profile)
