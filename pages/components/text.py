"""Customer and model text is data: what it takes to show it where Streamlit reads Markdown.

``st.text`` and ``st.code`` show text as it is and need nothing of this. Headings, captions, badges, button labels and
``st.markdown`` read Markdown, so text that is not ours goes through ``plain`` before it gets there.
"""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import urlsplit

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_SIGNS_OF_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>()#|~!]")
_BLANKS = re.compile(r"\s+")
# Streamlit looks for these in the text that is left after Markdown was read, so a backslash does not stop them:
# bare addresses become links, arrows and dashes other characters, and :streamlit: a picture.
_LOOKS_AFTER_MARKDOWN = re.compile(r"(?<=:)(?=//|streamlit:)|(?<=w)(?=ww)|(?=@)|(?<=[<>=~-])(?=[<>=~-])", re.IGNORECASE)
# The word joiner has no width and allows no line break; it parts what would be recognised.
_WORD_JOINER = "\u2060"
# Marks that turn the direction of what stands after them, and other signs that nobody sees, can make a text look like
# another one.
_UNSEEN = re.compile("[\u0000-\u0008\u000e-\u001f\u007f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")

# A picture of no width.
_NOTHING = "data:image/svg+xml;base64," + b64encode(
    b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1000"/>'
).decode("ascii")


def plain(text: object) -> str:
    """Return text on one line that Streamlit's Markdown shows as it was written: no links, pictures or formulas."""
    flat = _BLANKS.sub(" ", _UNSEEN.sub("", str(text))).strip()
    parted = _LOOKS_AFTER_MARKDOWN.sub(_WORD_JOINER, flat)
    return _PUNCTUATION.sub(r"\\\1", parted)


def typed(text: str | None) -> str:
    """Return what a person typed or pasted without the signs that nobody sees.

    What was copied from a page holds the ones that ``plain`` put there, and nothing would be found with them.
    """
    return _UNSEEN.sub("", text or "").strip()


def heard(text: object) -> str:
    """Return a label for a button that shows an icon only: nothing is seen of it, and a screen reader says it.

    Without a label such a button is called by the icon's own name, "filter_alt icon".
    """
    return f"![{plain(text)}]({_NOTHING})"


def hidden(text: object) -> str:
    """Return the label of a box that is not to be seen: a screen reader is given it with every sign, as it stands.

    It is read as Markdown all the same, so signs that Markdown knows are left out instead of escaped.
    """
    return " ".join(_SIGNS_OF_MARKDOWN.sub(" ", _UNSEEN.sub("", str(text))).split())


def bold(text: object) -> str:
    """Return ``plain`` text in bold; nothing for an empty text."""
    shown = plain(text)
    return f"**{shown}**" if shown else ""


def link(title: str, url: str) -> str:
    """Return a Markdown link for an http(s) address without blanks or user name, else the title alone."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return plain(title)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or re.search(r"\s", url):
        return plain(title)
    address = re.sub(r"[^A-Za-z0-9\-._~:/?#=&%+,;@]", lambda found: _percent(found.group()), url)
    return f"[{plain(title) or plain(url)}](<{address}>)"


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
