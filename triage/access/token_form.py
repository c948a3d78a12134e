"""What the secret of a token looks like, so that it is known wherever it does not belong."""

from __future__ import annotations

import re

SECRET = re.compile(r"tri_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)
WITHHELD = "[token withheld]"


def has_token(text: str) -> bool:
    """Whether a token's secret stands in a text."""
    return "tri_" in text and SECRET.search(text) is not None


def without_tokens(text: str) -> str:
    """Return a text with the secrets of tokens taken out: whoever reads the text could use them."""
    return SECRET.sub(WITHHELD, text) if "tri_" in text else text
