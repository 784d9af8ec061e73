"""The OpenAPI 3.1 document, made from the routes: it cannot say anything else than they do."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from keepgate.admin.cookie import NAME
from keepgate.admin.problem import Problem
from keepgate.admin.route import OPEN, Route

_REF: Final = "#/components/schemas/{model}"
_ANYWHERE: Final = (400, 403, 413, 429, 503)
"""What any route can answer: not understood, not allowed, too large, too often, not recorded."""


def document(routes: Iterable[Route], root: str, version: str) -> dict[str, Any]:
    """The document of the API below `root`."""
    made = _Document()
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(root + route.path, {})[route.method.lower()] = made.operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "keepgate admin API", "version": version},
        "paths": paths,
        "components": {
            "schemas": made.schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": NAME},
            },
        },
    }


class _Document:
    """Collects the shapes that operations refer to."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}
        self._problem = self._schema(TypeAdapter(Problem), "serialization")

    def operation(self, route: Route) -> dict[str, Any]:
        """One operation."""
        out: dict[str, Any] = {
            "operationId": route.name,
            "summary": route.summary,
            "tags": [route.name.partition(".")[0]],
            "parameters": self._parameters(route),
            "responses": self._responses(route),
        }
        body = route.adapter("body")
        if body is not None:
            schema = self._schema(body, "validation")
            out["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        if route.permission == OPEN:
            out["security"] = []
        else:
            out["security"] = [{"bearer": []}, {"cookie": []}]
            out["x-permission"] = str(route.permission)
            out["x-second-factor"] = route.demands_second_factor
        return out

    def _parameters(self, route: Route) -> list[dict[str, Any]]:
        out = []
        for part in route.parts:
            adapter = route.adapter(part)
            assert adapter is not None  # the route was made, so its handler takes it
            schema = self._schema(adapter, "validation")
            out.append({"name": part, "in": "path", "required": True, "schema": schema})
        query = route.adapter("query")
        if query is not None:
            schema = query.json_schema(ref_template=_REF, mode="validation")
            required = schema.get("required", ())
            out += [
                {"name": name, "in": "query", "required": name in required, "schema": each}
                for name, each in schema["properties"].items()
            ]
        return out

    def _responses(self, route: Route) -> dict[str, Any]:
        done: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
        if route.answer is not None:
            schema = self._schema(route.answer, "serialization")
            done["content"] = {"application/json": {"schema": schema}}
        responses = {str(route.status): done}
        codes = {*_ANYWHERE, *route.problems}
        codes |= set() if route.permission == OPEN else {401}
        codes |= {404} if route.parts else set()
        codes |= {415} if route.adapter("body") is not None else set()
        for code in sorted(codes):
            content = {"application/problem+json": {"schema": self._problem}}
            responses[str(code)] = {"description": HTTPStatus(code).phrase, "content": content}
        return responses

    def _schema(
        self, adapter: TypeAdapter[Any], mode: Literal["validation", "serialization"]
    ) -> dict[str, Any]:
        """The schema of a shape, by reference if it has a name."""
        schema = adapter.json_schema(ref_template=_REF, mode=mode)
        self.schemas |= schema.pop("$defs", {})
        title = schema.get("title")
        if title is None or schema.get("type") != "object":
            return schema
        self.schemas[title] = schema
        return {"$ref": _REF.format(model=title)}
