"""Text that would be a script, a picture, a link or a formula wherever it is not shown as text."""

from __future__ import annotations

import re

HOST = "attack.invalid"
# What does nothing visible by itself, yet tells on the page that it ran.
_TAG = "<img src=x onerror=owned()>"
_REST = (
    f"<script>owned()</script><svg onload=owned()> ![i](http://{HOST}/i.png) [l](http://{HOST}/l) http://{HOST}/b "
    f"www.{HOST} [j](javascript:owned()) $x^2$ :material/home: **b** <b id=owned>"
)
_UNSEEN = re.compile("[\u2060\\s]+")


def nasty(field: str) -> str:
    """Return markup that names the field in which it was sent."""
    return f"{field}{_TAG}{_REST}"


def short(field: str) -> str:
    """Return the same for fields that take few characters."""
    return f"{field}{_TAG}[l](//{HOST})"


def beginning(field: str) -> str:
    """Return how either begins, which is what a page has room for, without blanks."""
    return squeezed(f"{field}{_TAG}")


def squeezed(text: str) -> str:
    """Return text without blanks and what nobody sees."""
    return _UNSEEN.sub("", text)
