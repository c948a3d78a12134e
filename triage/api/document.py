"""The OpenAPI document: what FastAPI says of the routes, and what every answer has besides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from triage.api.outermost import VERSION, VERSION_HEADER
from triage.api.problem_kinds import KINDS, TYPE_PREFIX
from triage.api.problems import MEDIA_TYPE, Problem
from triage.api.schemas import EventOut

DESCRIPTION = """\
Submit customer messages to the triage console, follow what the agents do, decide what waits for a person.

Every request but `/health`, `/ready` and this document carries a token: `Authorization: Bearer tri_...`. A token has a
role, a team and scopes, and sees and does what those allow; another team's records are answered like ones that do not
exist. Every error is a problem (RFC 9457, `application/problem+json`) with a stable `code`.

Times are UTC in ISO 8601 and end in `_at`, durations are whole milliseconds and end in `_ms`, money is a string of
US dollars. Texts of customers, agents and tools are data: show them as text, never as markup.

Fields and paths are only added, never renamed or removed, under the same `Triage-API-Version`; ignore fields that
you do not know.
"""
TAGS = [
    {"name": "messages", "description": "A customer's message comes in."},
    {"name": "runs", "description": "One message's way through the team of agents."},
    {"name": "approvals", "description": "What waits for a person, and the decision."},
    {"name": "conversations", "description": "The messages that belong together."},
    {"name": "console", "description": "How the console is."},
]
_RETRY = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "`Bearer`.", "schema": {"type": "string"}}},
    405: {"Allow": {"description": "The methods that there are.", "schema": {"type": "string"}}},
    429: _RETRY,
    503: _RETRY,
}
_FOR_ALL = ("internal",)
_WITH_TOKEN = ("not_signed_in", "too_many_requests", "unavailable", "overloaded")
_WITH_BODY = ("malformed", "timed_out", "too_large", "wrong_media_type", "invalid_input")


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the responses of a route for problems of its own; what every route has is added by the document."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        kind = KINDS[code]
        response = found.setdefault(kind.status, {"description": "", "content": {MEDIA_TYPE: {"examples": {}}}})
        _add(response, code)
    return found


def document_of(app: FastAPI) -> dict[str, Any]:
    """Return the document; made once, because the routes do not change."""
    if app.openapi_schema is None:
        made = get_openapi(
            title="Triage console",
            version=VERSION,
            summary="The HTTP API of the AI support triage console.",
            description=DESCRIPTION,
            routes=app.routes,
            tags=TAGS,
            servers=[{"url": "/api", "description": "This console."}],
        )
        _finish(made)
        app.openapi_schema = made
    return app.openapi_schema


def _finish(made: dict[str, Any]) -> None:
    parts = made["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(name, None)
    for model in (Problem, EventOut):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        parts["schemas"].update(schema.pop("$defs", {}))
        parts["schemas"][model.__name__] = schema
    parts["headers"] = {
        "Version": {"description": "The version of the API.", "schema": {"type": "string", "const": VERSION}},
        "RequestId": {"description": "The id of this request, as the log has it.", "schema": {"type": "string"}},
    }
    parts["examples"] = {code: {"value": _example(code)} for code in KINDS}
    shared: dict[str, Any] = {}
    parts["responses"] = shared
    for operation in _operations(made):
        _finish_operation(operation)
        _share(operation["responses"], shared)


def _example(code: str) -> dict[str, Any]:
    kind = KINDS[code]
    return {"type": TYPE_PREFIX + code, "title": kind.title, "status": kind.status, "code": code, "detail": kind.detail}


def _operations(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in made["paths"].values():
        yield from methods.values()


def _finish_operation(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    # FastAPI's own account of what is invalid has another shape than ours.
    is_checked = responses.pop("422", {}).get("content", {}).keys() == {"application/json"} or "parameters" in operation
    kept = dict(responses)
    codes = [*_FOR_ALL]
    if operation.get("security"):
        codes += _WITH_TOKEN
    if "requestBody" in operation:
        codes += _WITH_BODY
    elif is_checked:
        codes.append("invalid_input")
    for code in codes:
        status = str(KINDS[code].status)
        _add(kept.setdefault(status, {"description": "", "content": {MEDIA_TYPE: {"examples": {}}}}), code)
    operation["responses"] = dict(sorted(kept.items()))
    for status, response in operation["responses"].items():
        headers = response.setdefault("headers", {})
        headers.update(_HEADERS.get(int(status), {}))
        headers[VERSION_HEADER] = {"$ref": "#/components/headers/Version"}
        headers["X-Request-Id"] = {"$ref": "#/components/headers/RequestId"}


def _share(responses: dict[str, Any], shared: dict[str, Any]) -> None:
    """Let the operations refer to the problems that they have in common."""
    for status, response in responses.items():
        examples = response.get("content", {}).get(MEDIA_TYPE, {}).get("examples")
        if examples:
            name = "_or_".join(examples)
            shared[name] = response
            responses[status] = {"$ref": f"#/components/responses/{name}"}


def _add(response: dict[str, Any], code: str) -> None:
    """Add a kind of problem to what a status can mean."""
    content = response["content"].setdefault(MEDIA_TYPE, {"examples": {}})
    content["schema"] = {"$ref": "#/components/schemas/Problem"}
    content["examples"][code] = {"$ref": f"#/components/examples/{code}"}
    titles = [KINDS[name].title for name in content["examples"]]
    response["description"] = ", or ".join([titles[0], *(title[0].lower() + title[1:] for title in titles[1:])]) + "."
