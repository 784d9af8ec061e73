"""What goes wrong on the admin face, as RFC 9457 problem details."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from keepgate.model.errors import KeepgateError


@dataclass(frozen=True, slots=True)
class Problem:
    """The body of every answer that is not a success (`application/problem+json`)."""

    title: str
    """What went wrong, for people."""
    status: Annotated[int, Field(ge=400, le=599)]
    """The HTTP status."""
    code: str
    """What went wrong, for programs: stable."""


class ProblemError(KeepgateError):
    """To be answered as a Problem. `retry_after` in seconds, where waiting helps."""

    def __init__(
        self, status: int, code: str, public: str, private: str = "", *, retry_after: float = 0.0
    ) -> None:
        super().__init__(code, public, private)
        self.status = status
        self.retry_after = retry_after

    @property
    def problem(self) -> Problem:
        """What is answered."""
        return Problem(self.public, self.status, self.code)


def not_found(what: str) -> ProblemError:
    """404."""
    return ProblemError(404, "not-found", f"there is no such {what}")
