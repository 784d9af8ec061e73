"""The pages of the admin face that need a browser: logging in, and adding a passkey. Static: nothing is put into them.

Scripts and styles come from the face itself, and from nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from keepgate.admin.place import HEADERS, Place
from keepgate.admin.problem import ProblemError

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

PAGES: Final = {
    "/admin/login": ("login.html", "text/html"),
    "/admin/enroll": ("enroll.html", "text/html"),
    "/admin/login.js": ("login.js", "text/javascript"),
    "/admin/enroll.js": ("enroll.js", "text/javascript"),
    "/admin/pages.css": ("pages.css", "text/css"),
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def pages(place: Place) -> list[BaseRoute]:
    """For the web application beside the endpoint."""
    return [Route(path, _page(place, *page)) for path, page in PAGES.items()]


def _page(place: Place, name: str, media: str) -> Callable[[Request], Awaitable[Response]]:
    body = files(__name__).joinpath(name).read_bytes()
    headers = {**HEADERS, "Content-Security-Policy": POLICY}

    async def page(request: Request) -> Response:
        try:
            place.check_navigation(request)
        except ProblemError as error:
            return Response(error.public, error.status, dict(HEADERS), "text/plain")
        return Response(body, 200, headers, media)

    return page
