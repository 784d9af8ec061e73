"""Local administrators in `administrators.json` of the state directory."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from keepgate.model.administrator import Administrator
from keepgate.stores.json_file import JsonFile, Words

_WORDS: Final = Words(
    "administrators", "chmod 600, and give everybody new credentials", "restore it or add them anew"
)


class JsonAdminStore(JsonFile[Administrator]):
    """The administrators below a state directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, "administrators", Administrator, _WORDS)
