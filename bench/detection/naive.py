"""Fifteen regular expressions that anybody would write in an hour: the floor."""

from __future__ import annotations

import re

PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"ignore (all |any )?(the )?(previous|prior|above)( \w+)? (instructions|prompts?)",
        r"disregard .{0,30}(instructions|rules|above)",
        r"<important>|<system>|<secret>",
        r"\[?system( message| prompt)?\]?:",
        r"you are now (a|an|in|dan)\b",
        r"do not (tell|mention|inform|reveal).{0,30}user",
        r"without (telling|informing|notifying).{0,20}user",
        r"(reveal|print|show|repeat).{0,20}system prompt",
        r"before (using|calling|invoking) (this|any|other).{0,20}tool",
        r"you must (first )?(call|use|invoke|read)",
        r"(~/|/)\.?(ssh|aws)/",
        r"id_rsa|/etc/passwd|\.env\b",
        r"(send|post|upload|forward) .{0,40}(to )?https?://",
        r"new instructions?:|forget (everything|all)",
        r"act as (a|an|if)|pretend (to be|you)",
    )
)


def flagged(text: str) -> bool:
    """Any of them."""
    return any(pattern.search(text) for pattern in PATTERNS)
