"""Writes src/keepgate/detect/confusables.py from the data of the package confusable_homoglyphs.

    python tools/confusables.py path/to/confusables.json > src/keepgate/detect/confusables.py

The file is in the wheel of confusable_homoglyphs 3.3.1 (MIT), made from confusables.txt of UTS 39 (Unicode licence).
Only what looks like one ASCII letter or digit is kept, and only what NFKC does not resolve by itself.
"""

import json
import sys
import unicodedata
from pathlib import Path

WIDTH = 80
SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True))
STROKED = {
    "ı": "i",
    "ł": "l",
    "ø": "o",
    "đ": "d",
    "ħ": "h",
    "ŧ": "t",
    "ƀ": "b",
    "ɓ": "b",
    "ɗ": "d",
    "ƙ": "k",
} | dict(zip("ετηικωνμ", "etnikwvu", strict=True))


def table(data: dict) -> dict[str, str]:
    """Casefolded character to ASCII lower case."""
    found: dict[str, str] = {}
    for sign, alike in sorted(data.items()):
        if len(sign) != 1 or sign.isascii() or unicodedata.normalize("NFKC", sign).isascii():
            continue
        plain = sorted(
            each["c"] for each in alike if len(each["c"]) == 1 and each["c"].isascii() and each["c"].isalnum()
        )
        letters = [each for each in plain if each.isalpha()] or plain
        if not letters:
            continue
        best = next((each for each in letters if each.lower() != "l"), letters[0]).lower()
        found[sign] = best
        folded = sign.casefold()
        if len(folded) == 1 and folded not in data:
            found[folded] = best
    found |= SMALL_CAPITALS | STROKED
    for first in (0x1F150, 0x1F170, 0x1F1E6):
        found |= {chr(first + at): chr(ord("a") + at) for at in range(26)}
    # What a cased letter looks like when it is written small: В is taken for B, so в stands for b.
    for capital, small in zip("ВНМТКЗ", "внмткз", strict=True):
        found.setdefault(small, found.get(capital, small))
    return found


def lines(name: str, text: str, doc: str) -> str:
    rows = "\n".join(f'    "{text[at : at + WIDTH]}"' for at in range(0, len(text), WIDTH))
    return f'{name}: Final = (\n{rows}\n)\n"""{doc}"""\n'


def main() -> None:
    found = sorted(table(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).items())
    print(
        '"""Characters that look like an ASCII letter or digit. Written by tools/confusables.py: do not edit.\n'
    )
    print(
        "Source: confusables.txt of UTS 39 by way of confusable_homoglyphs 3.3.1; small capitals and stroked letters"
    )
    print('of our own."""\n\nfrom __future__ import annotations\n\nfrom typing import Final\n')
    escaped = "".join(f"\\U{ord(sign):08x}" for sign, _ in found)
    rows = "\n".join(f'    "{escaped[at : at + 80]}"' for at in range(0, len(escaped), 80))
    print(f'SIGNS: Final = (\n{rows}\n)\n"""Casefolded characters."""\n')
    print(lines("LOOKS", "".join(looks for _, looks in found), "What each of them looks like."), end="")


main()
