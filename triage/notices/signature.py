"""Signs notices as the Standard Webhooks specification says, so that receivers can use a library of theirs.

The signature is HMAC-SHA256 over delivery id, time and body, joined by dots. The time lets a receiver refuse a notice
that somebody kept and sends again, and the id lets it drop one that came twice.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

ID_HEADER = "webhook-id"
TIME_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """Return a secret for one webhook: "whsec_" and 32 random bytes in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(secret: str, *, delivery_id: str, timestamp: int, body: str) -> dict[str, str]:
    """Return the headers that say which delivery this is, when it was sent (seconds since 1970), and who sent it."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    covered = f"{delivery_id}.{timestamp}.{body}".encode()
    signature = base64.b64encode(hmac.new(key, covered, hashlib.sha256).digest()).decode()
    return {ID_HEADER: delivery_id, TIME_HEADER: str(timestamp), SIGNATURE_HEADER: f"v1,{signature}"}
