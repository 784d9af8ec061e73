"""Where a value stands: what detectors are told besides the value itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """Where a text stands, for what it means there."""

    DEFINITION = "definition"
    """What a server says about itself: tools, prompts, instructions, schemas"""
    CONTENT = "content"
    """What a server answers: results, resources, errors, logs, questions"""
    PROMPT = "prompt"
    """What somebody asks a model"""
    ARGUMENT = "argument"
    """What a model asks a server"""


@dataclass(frozen=True, slots=True)
class Setting:
    """The channel, and for definitions what else the client sees.

    `others` are the names of tools by server, without the server it comes from; `siblings` the names of that server.
    """

    channel: Channel = Channel.CONTENT
    server: str = ""
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    siblings: tuple[str, ...] = ()


DEFINITION: Final = Setting(Channel.DEFINITION)
CONTENT: Final = Setting(Channel.CONTENT)
PROMPT: Final = Setting(Channel.PROMPT)
ARGUMENT: Final = Setting(Channel.ARGUMENT)
