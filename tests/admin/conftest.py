"""A running keepgate with an admin face, and an administrator of each role."""

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from keepgate.admin import administrators
from keepgate.admin.access import Role
from keepgate.stores.admins import JsonAdminStore
from tests.support import processes

ROOT = "/admin/api/v1"


@dataclass
class Desk:
    """What the tests talk to."""

    directory: Path
    origin: str
    keys: dict[str, str]
    process: processes.Running
    people: list[Any] = field(default_factory=list)
    client: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=30))

    @property
    def store(self) -> JsonAdminStore:
        return JsonAdminStore(self.directory / "state")

    def ask(self, who: str, method: str, path: str, **more: Any) -> httpx2.Response:
        """A request of the administrator with this role; empty: of nobody."""
        headers = more.pop("headers", {})
        if who:
            headers = {"Authorization": f"Bearer {self.keys.get(who, who)}", **headers}
        return self.client.request(method, f"{self.origin}{ROOT}{path}", headers=headers, **more)

    def events(self, **wanted: str) -> list[dict[str, Any]]:
        """What the log says, newest last."""
        found = self.ask("viewer", "GET", "/audit/events", params={**wanted, "limit": "1000"})
        assert found.status_code == 200, found.text
        events: list[dict[str, Any]] = found.json()["events"]
        return events


@contextlib.contextmanager
def desk_in(directory: Path, *, admin: dict[str, Any], **config: Any):
    port = processes.free_port()
    whole = processes.allow_all(
        port,
        directory,
        {"silent": {"command": ["/bin/sh", "-c", "exit 3"], "env": {"API_KEY": "hunter2-hunter2"}}},
    )
    whole |= {"admin": admin, **config}
    store = JsonAdminStore(directory / "state")
    keys = {}
    for role in Role:
        administrators.add(store, f"the-{role}", (role.value,), now=time.time())
        keys[role.value] = administrators.make_key(store, f"the-{role}", now=time.time())
    with processes.keepgate_serving(directory, whole) as (url, process):
        desk = Desk(directory, url.removesuffix("/mcp"), keys, process)
        with desk.client:
            yield desk


@pytest.fixture(scope="session")
def desk(tmp_path_factory):
    """No second factor demanded: what a role may do is what is looked at."""
    with desk_in(tmp_path_factory.mktemp("admin"), admin={"second_factor": "never"}) as made:
        yield made
