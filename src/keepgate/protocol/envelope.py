"""The stateless envelope of 2026-07-28: what every request carries in `params._meta`, and what results must carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from keepgate.model.errors import RemoteError
from keepgate.model.message import Message
from keepgate.protocol import jsonrpc
from keepgate.protocol.eras import STATELESS_REVISIONS

PREFIX: Final = "io.modelcontextprotocol/"
VERSION_KEY: Final = PREFIX + "protocolVersion"
CAPABILITIES_KEY: Final = PREFIX + "clientCapabilities"
CLIENT_INFO_KEY: Final = PREFIX + "clientInfo"
LOG_LEVEL_KEY: Final = PREFIX + "logLevel"
SERVER_INFO_KEY: Final = PREFIX + "serverInfo"
SUBSCRIPTION_KEY: Final = PREFIX + "subscriptionId"

ENVELOPE_KEYS: Final = frozenset((VERSION_KEY, CAPABILITIES_KEY, CLIENT_INFO_KEY, LOG_LEVEL_KEY))


@dataclass(slots=True)
class Envelope:
    """What a stateless request says of its sender. Self-asserted: for display and negotiation only."""

    version: str
    capabilities: dict[str, Any]
    client_info: dict[str, Any]


class UnsupportedVersionError(RemoteError):
    """The client asks for a revision that is not served; `requested` is what it asked for."""

    def __init__(self, requested: str) -> None:
        super().__init__(
            "unsupported-version",
            "Unsupported protocol version",
            rpc_code=jsonrpc.UNSUPPORTED_VERSION,
            status=400,
        )
        self.requested = requested

    @property
    def data(self) -> dict[str, Any]:
        """The `data` of the JSON-RPC error."""
        return {"supported": list(STATELESS_REVISIONS), "requested": self.requested}


def has_envelope(message: Message) -> bool:
    """True if the message names a protocol version in its envelope, whichever."""
    meta = message.params.get("_meta")
    return isinstance(meta, dict) and VERSION_KEY in meta


def read_envelope(message: Message) -> Envelope:
    """The envelope of a request whose headers have been checked. Raises RemoteError (-32602, -32022)."""
    meta = message.params.get("_meta")
    if not isinstance(meta, dict):
        raise _bad(f"`params._meta` must carry `{VERSION_KEY}` and `{CAPABILITIES_KEY}`")
    if VERSION_KEY not in meta:
        raise _bad(f"`params._meta` lacks `{VERSION_KEY}`")
    if CAPABILITIES_KEY not in meta:
        raise _bad(f"`params._meta` lacks `{CAPABILITIES_KEY}`")
    version, capabilities, info = meta[VERSION_KEY], meta[CAPABILITIES_KEY], meta.get(CLIENT_INFO_KEY)
    if not isinstance(version, str):
        raise _bad(f"`{VERSION_KEY}` must be a string")
    if not isinstance(capabilities, dict):
        raise _bad(f"`{CAPABILITIES_KEY}` must be an object")
    if version not in STATELESS_REVISIONS:
        raise UnsupportedVersionError(version[:64])
    return Envelope(version, capabilities, info if isinstance(info, dict) else {})


def _bad(text: str) -> RemoteError:
    return RemoteError("envelope", text, rpc_code=jsonrpc.INVALID_PARAMS, status=400)


def with_meta(params: dict[str, Any] | None, **entries: Any) -> dict[str, Any]:
    """A copy of `params` whose `_meta` has the given full keys set (`None` removes a key)."""
    out = dict(params or {})
    given = out.get("_meta")
    meta = dict(given) if isinstance(given, dict) else {}  # in results it comes unchecked from a server
    for key, value in entries.items():
        if value is None:
            meta.pop(key, None)
        else:
            meta[key] = value
    if meta:
        out["_meta"] = meta
    else:
        out.pop("_meta", None)
    return out


def display(info: dict[str, Any]) -> str:
    """`name/version` of a clientInfo or serverInfo, cut to a sane length, for records and screens."""
    if not info:
        return ""
    name, version = info.get("name"), info.get("version")
    text = f"{name if isinstance(name, str) else ''}/{version if isinstance(version, str) else ''}"
    return text[:128] if text != "/" else ""
