"""API keys in `keys.json` of the state directory."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from keepgate.model.keys import ApiKey
from keepgate.stores.json_file import JsonFile, Words

_WORDS: Final = Words("keys", "chmod 600, and rotate the keys", "restore it or make new keys")


class JsonKeyStore(JsonFile[ApiKey]):
    """The keys below a state directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, "keys", ApiKey, _WORDS)
