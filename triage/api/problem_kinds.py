"""The kinds of problems, one table: docs/api.md shows it, and a test compares the two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

TYPE_PREFIX = "urn:problem-type:triage:"


class Kind(NamedTuple):
    """A kind of problem; ``detail`` says what to do where the case itself has no better sentence."""

    status: int
    title: str
    detail: str


KINDS: Mapping[str, Kind] = {
    "malformed": Kind(400, "Malformed request", "The request cannot be read."),
    "unsupported_version": Kind(400, "Unsupported version", "This console speaks version 1 of the API."),
    "not_signed_in": Kind(401, "Not signed in", "Send a token that is in force: Authorization: Bearer tri_..."),
    "not_allowed": Kind(403, "Not allowed", "The token may not do this."),
    "not_found": Kind(404, "Not found", "There is nothing here for this token."),
    "wrong_method": Kind(405, "Method not allowed", "The path has other methods; see the header Allow."),
    "timed_out": Kind(408, "Body too slow", "The body did not arrive in time. Send it again."),
    "conflict": Kind(409, "Conflict", "It has changed since. Load it again."),
    "too_large": Kind(413, "Body too large", "The body is larger than the console accepts."),
    "wrong_media_type": Kind(415, "Unsupported media type", "Send the body as Content-Type: application/json."),
    "wrong_host": Kind(421, "Wrong host", "This console is not served under that name."),
    "invalid_input": Kind(422, "Invalid input", "A part of the request cannot be used."),
    "key_reused": Kind(422, "Idempotency key reused", "The key stands for another request. Use a new one."),
    "too_many_requests": Kind(429, "Too many requests", "Wait for as long as Retry-After says."),
    "too_many_streams": Kind(429, "Too many streams", "Close a stream before you open another."),
    "internal": Kind(500, "Internal error", "Something went wrong in the console; its log has the request id."),
    "budget_reached": Kind(503, "Budget reached", "A budget is used up; no new message is taken."),
    "unavailable": Kind(503, "Unavailable", "The records cannot be read or written now."),
    "overloaded": Kind(503, "Overloaded", "Too many requests are at work. Try again."),
    "not_ready": Kind(503, "Not ready", "A part of the console does not work; checks names it."),
}
