"""Words for the made-up history: messages, articles, tool results and replies, from fixed parts in random order.

The texts are ours. Pools are small beside the history, so each span gets numbers and rare words of its own, as real
ones have: a store must not look small because everything in it is the same.
"""

from __future__ import annotations

from itertools import product

import numpy as np

FIRST = ("ada", "bo", "carla", "dmitri", "elif", "femi", "grace", "hugo", "ines", "jonas", "kirsten", "lamar", "mei")
LAST = ("abel", "brandt", "costa", "diallo", "evans", "fischer", "garcia", "hansen", "ito", "jensen", "kowalski")
_SUBJECTS = (
    "the invoice for March", "our workspace", "the desktop app", "my order", "the calendar sync", "a refund",
    "the API token", "two-factor sign-in", "the export", "a guest account", "the webcam", "our annual plan",
    "the delivery address", "an automation", "the status page", "a duplicate charge",
)  # fmt: skip
_TROUBLES = (
    "does not load since yesterday", "shows a wrong amount", "was cancelled without notice", "is missing two items",
    "stopped after the last update", "asks for a password again and again", "cannot be opened on two machines",
    "was charged twice", "has been waiting for a week", "returns error 429", "lost its attachments",
    "was sent to the old address", "is slower than before", "ends before the last row",
)  # fmt: skip
_WISHES = (
    "Please look into it today.", "Could you tell me what happens next?", "We need this before the end of the month.",
    "I have tried the steps in the help pages.", "Nobody has answered my first message.", "Thank you for your help.",
    "My colleague sees the same.", "It worked last week.", "Please call me if you need more.", "This is urgent for us.",
)  # fmt: skip
_ADVICE = (
    "An invoice is made on the first day of the period and sent to the billing contact.",
    "Open the settings, choose the workspace and look at the list of connected devices.",
    "A refund to a card takes three to five working days after it was approved.",
    "Tokens are limited to sixty calls a minute; the header says when to try again.",
    "Parcels that are not delivered after two attempts go back to the warehouse.",
    "Guests see only the boards that they were invited to and never the members list.",
    "The export is limited to ten thousand rows; choose a shorter time to get all of them.",
    "Signing in from a new device asks for a second factor unless the owner has turned it off.",
    "Deleted cards can be brought back for thirty days from the archive of the board.",
    "A plan can be changed at any time; the difference is put on the next invoice.",
    "The desktop app updates itself when it is closed; restart it to be sure of the version.",
    "Automations stop after ten failures in a row and tell the owner by mail.",
)
_SYLLABLES = ("ka", "lo", "mi", "ren", "sto", "tur", "vel", "wi", "xa", "yor", "zen", "bra", "chi", "dol", "fen", "gu")

RARE_WORDS = tuple("".join(parts) for parts in product(_SYLLABLES, repeat=3))
"""4,096 made-up words, for names of products and people that occur in few messages."""


def messages(chance: np.random.Generator, count: int) -> list[str]:
    """Return messages of customers, about 300 characters each."""
    return [
        " ".join(
            f"Hello, {_one(chance, _SUBJECTS)} {_one(chance, _TROUBLES)}." if first else _one(chance, _WISHES)
            for first in (True, False, False, True, False, False)
        )
        for _ in range(count)
    ]


def articles(chance: np.random.Generator, count: int) -> list[str]:
    """Return what a search finds, about 900 characters each."""
    return [" ".join(_one(chance, _ADVICE) for _ in range(11)) for _ in range(count)]


def replies(chance: np.random.Generator, count: int) -> list[str]:
    """Return drafts of replies, about 500 characters each."""
    return [
        f"Thank you for writing about {_one(chance, _SUBJECTS)}. "
        + " ".join(_one(chance, _ADVICE) for _ in range(5))
        + " Kind regards, the support team"
        for _ in range(count)
    ]


def _one(chance: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(chance.integers(len(choices)))]
