"""What a tool's definition promises about values: the face of a compiled schema, without the library behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keepgate.model.errors import RemoteError
from keepgate.model.message import Json


class SchemaError(RemoteError):
    """A schema that cannot be used, or not on this value; `public` says why without the words of an outsider."""

    def __init__(self, public: str) -> None:
        super().__init__("schema", public)


class Schema(Protocol):
    """One usable schema."""

    def faults(self, value: Json, size: int = 0) -> tuple[str, ...]:
        """What is wrong with a value, in words that quote none of it; empty if it fits.

        `size` is an upper bound of its JSON text, 0 if that is not known. Raises SchemaError for what would take long.
        """


@dataclass(frozen=True, slots=True)
class Contract:
    """The schemas of one listed tool, and what the lock says of it. An unusable schema has a reason instead."""

    input: Schema | None = None
    output: Schema | None = None
    unusable_input: str = ""
    unusable_output: str = ""
    withheld: str = ""
    """Why the lock withholds the thing, in public words; "" if it does not"""
    refused: str = ""
    """Why it is refused for what it says of itself, for the log only; "" if it is not"""
    definition: Json = None
    """As the server lists it"""

    @property
    def arguments(self) -> Json:
        """The `inputSchema` as the server lists it."""
        return self.definition.get("inputSchema") if isinstance(self.definition, dict) else None
