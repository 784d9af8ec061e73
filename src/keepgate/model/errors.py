"""Errors with a text that may be shown and a cause that may only be logged.

Local: keepgate or its operator is wrong. Remote: a peer is wrong. Config: the file is wrong. Texts are lower case,
without a full stop, with outside input in backticks and never with a secret.
"""

from __future__ import annotations


class KeepgateError(Exception):
    """Base of all errors raised on purpose.

    `public` may be shown to a caller, `private` belongs in the log, `code` is a stable kebab-case identifier.
    """

    def __init__(self, code: str, public: str, private: str = "") -> None:
        super().__init__(public if not private else f"{public} ({private})")
        self.code = code
        self.public = public
        self.private = private


class LocalError(KeepgateError):
    """We are wrong: a broken invariant, an unavailable store."""


class RemoteError(KeepgateError):
    """The peer is wrong. `rpc_code` is the JSON-RPC code to answer with, `status` the HTTP status.

    `retry_after`: seconds after which the same may go well, where it was too much.
    """

    def __init__(
        self,
        code: str,
        public: str,
        private: str = "",
        *,
        rpc_code: int = -32600,
        status: int = 400,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, public, private)
        self.rpc_code = rpc_code
        self.status = status
        self.retry_after = retry_after


class AuthenticationError(RemoteError):
    """401, or 403 for want of a scope. `challenge` is the value of `WWW-Authenticate`, `headers` what goes with it."""

    def __init__(
        self,
        public: str,
        challenge: str,
        private: str = "",
        *,
        status: int = 401,
        rpc_code: int = -31001,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__("unauthenticated", public, private, rpc_code=rpc_code, status=status)
        self.challenge = challenge
        self.headers = headers


class ConfigError(KeepgateError):
    """The configuration is wrong. `where` is `file:line:column` when known."""

    def __init__(self, public: str, *, where: str = "", code: str = "config") -> None:
        super().__init__(code, f"{where}: {public}" if where else public)
        self.where = where


class AuditError(LocalError):
    """The audit log cannot be written: nothing may be forwarded."""


class UpstreamError(RemoteError):
    """An upstream server failed. `kind` says how; `retryable` is true only if the request cannot have run.

    kind: unreachable, timeout, session-lost, status, protocol, too-large, closed, cancelled, auth, overloaded
    """

    def __init__(
        self,
        kind: str,
        public: str,
        private: str = "",
        *,
        status: int = 0,
        body: bytes = b"",
        retryable: bool = False,
    ) -> None:
        super().__init__(f"upstream-{kind}", public, private, rpc_code=-31010, status=502)
        self.kind = kind
        self.http_status = status
        self.body = body
        self.retryable = retryable


class LoginNeededError(UpstreamError):
    """The principal has to log in at a server first. `how` is for its eyes only and in no log: it names `url`.

    `url` is where; empty if this front has no page for it.
    """

    def __init__(self, server: str, url: str, how: str) -> None:
        super().__init__("auth", f"server `{server}` needs you to log in", status=401)
        self.server = server
        self.url = url
        self.how = how
