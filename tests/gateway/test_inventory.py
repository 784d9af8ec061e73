"""What a server is found to offer, with the tools whose schemas cannot be used."""

from __future__ import annotations

import time

from keepgate.gateway.inventory import list_server
from keepgate.gateway.settings import Identity, Limits
from tests.gateway.lab import settings
from tests.gateway.test_review import alone, tool_server


@alone
async def test_tools_with_schemas_that_cannot_be_used_are_named():
    server = tool_server(
        {"name": "good", "inputSchema": {"type": "object"}},
        {"name": "far", "inputSchema": {"$ref": "http://127.0.0.1:9/x"}, "outputSchema": {"type": 5}},
    )
    found = await list_server(settings("a", server), Identity(), Limits(), time.monotonic)
    assert found.tools == ("good", "far")
    assert found.unusable == (
        ("far", "its `inputSchema`: it refers to something outside of itself, which is not fetched"),
        ("far", "its `outputSchema`: it is not a valid JSON Schema at `/type`"),
    )
