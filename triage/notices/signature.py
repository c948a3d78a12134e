"""Signs notices as the Standard Webhooks specification says, so that receivers can use a library of theirs.

The signature is HMAC-SHA256 over delivery id, time and body, joined by dots. The time lets a receiver refuse a notice
that somebody kept and sends again, and the id lets it drop one that came twice. While a secret is changed there is one
signature for each, so a receiver that knows either takes the notice.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets as randomness
from collections.abc import Sequence

ID_HEADER = "webhook-id"
TIME_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """Return a secret for one webhook: "whsec_" and 32 random bytes in base64."""
    return _PREFIX + base64.b64encode(randomness.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(secrets: Sequence[str], *, delivery_id: str, timestamp: int, body: str) -> dict[str, str]:
    """Return the headers that say which delivery this is, when it was sent (seconds since 1970), and who sent it."""
    covered = f"{delivery_id}.{timestamp}.{body}".encode()
    signatures = " ".join(_signature(secret, covered) for secret in secrets)
    return {ID_HEADER: delivery_id, TIME_HEADER: str(timestamp), SIGNATURE_HEADER: signatures}


def _signature(secret: str, covered: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, covered, hashlib.sha256).digest()).decode()
