"""By which names the admin face is served, and whether a request came from a page of its own.

The server has checked `Host` and `Origin` against all names of the gateway already; the admin face takes fewer:
loopback, and the one URL that was configured for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from keepgate.admin.problem import ProblemError

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer."""
SAFE: Final = frozenset(("GET", "HEAD"))
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class Place:
    """Where administrators reach the face. `url` is empty: only from this machine."""

    url: str = ""

    def check(self, request: Request) -> None:
        """Raises ProblemError (403) for a request that came by another name, or from another site's page."""
        self._check_host(request)
        site = request.headers.get("sec-fetch-site", "none")
        if site not in ("same-origin", "none"):
            raise ProblemError(403, "foreign-page", "requests from pages of other sites are refused")
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() != self.origin(request):
            raise ProblemError(403, "foreign-page", "requests from pages of other sites are refused")

    def _check_host(self, request: Request) -> None:
        host = request.headers.get("host", "").lower()
        if not self.url or host != urlsplit(self.url).netloc:
            peer = request.client.host if request.client else ""
            forwarded = any(name in request.headers for name in _FORWARDED)
            if not (is_loopback(hostname(host)) and is_loopback(peer)) or forwarded:
                raise ProblemError(
                    403, "place", "the admin face is not served here: see `admin.url` in the configuration"
                )

    def check_navigation(self, request: Request) -> None:
        """As `check`, for pages that hold nothing of anybody: a link from elsewhere may lead to them."""
        self._check_host(request)

    def origin(self, request: Request) -> str:
        """The origin of the face's own pages, for this request."""
        host = request.headers.get("host", "").lower()
        if self.url and host == urlsplit(self.url).netloc:
            return self.url
        return f"{request.scope.get('scheme', 'http')}://{host}"

    def check_own_page(self, request: Request) -> None:
        """For what changes something on the strength of a cookie. Raises ProblemError (403)."""
        if request.headers.get("origin", "").lower() != self.origin(request):
            raise ProblemError(403, "foreign-page", "this must come from a page of the admin face itself")


def hostname(authority: str) -> str:
    """The host of `host:port`, without brackets."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]


def is_loopback(host: str) -> bool:
    """True for `localhost` and loopback addresses."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
