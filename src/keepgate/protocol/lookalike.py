"""Member names that only some readers take for the ones that decide.

JSON names are exact, but some parsers ignore case, and take the last of two that fit (CVE-2026-27896, the Go SDK): to
such a server `{"name": "open", "Name": "secret"}` calls `secret`. What is decided on here must be what is called, so a
message in which another spelling stands for a deciding name is refused, whether or not the name itself is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from keepgate.model.errors import RemoteError

ENVELOPE: Final = frozenset(("jsonrpc", "id", "method", "params", "result", "error"))
PARAMS: Final = frozenset(
    (
        "name", "uri", "arguments", "_meta", "ref", "argument", "cursor", "task", "taskId", "requestState",
        "inputResponses", "requestId", "progressToken", "protocolVersion", "capabilities", "clientInfo",
    )
)  # fmt: skip
"""What policy, routing or state hang on."""
REFERENCE: Final = frozenset(("type", "name", "uri"))
"""Of `ref` in `completion/complete`."""
META: Final = frozenset(
    (
        "progressToken",
        "io.modelcontextprotocol/protocolVersion",
        "io.modelcontextprotocol/clientCapabilities",
        "io.modelcontextprotocol/clientInfo",
        "io.modelcontextprotocol/related-task",
    )
)

_FOLDED: Final = {
    names: {name.casefold(): name for name in names} for names in (ENVELOPE, PARAMS, REFERENCE, META)
}


def check_names(value: Mapping[str, Any], names: frozenset[str]) -> None:
    """Raises RemoteError (-32600) if a member of `value` is one of `names` but for case (Unicode folding, as Go's)."""
    if names.issuperset(value):
        return
    folded = _FOLDED[names]
    for key in value.keys() - names:
        if (meant := folded.get(key.casefold())) is not None:
            raise RemoteError("lookalike", f"a member is `{meant}` in another spelling", rpc_code=-32600)


def check_params(params: Mapping[str, Any]) -> None:
    """The same for the params of a request, and for what of them decides. Raises RemoteError."""
    if not PARAMS.issuperset(params):
        check_names(params, PARAMS)
    if "ref" in params and isinstance(reference := params["ref"], dict):
        check_names(reference, REFERENCE)
    if "_meta" in params and isinstance(meta := params["_meta"], dict) and not META.issuperset(meta):
        check_names(meta, META)
