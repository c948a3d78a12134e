"""The errors of the product, one tree.

TriageError
├── InvalidInput          what a person, a file or a program sent cannot be used; says what to change
├── NotFound              no record with that id
├── NotSignedIn           nobody, or nobody who is known, asks; one sentence for every reason
├── NotAllowed            the actor may not do this
├── TooManyRequests       asked too often; says in how many seconds to try again
├── Conflict              the record is no longer in the state that the action needs
├── SettingsError         a setting is missing or wrong; names the variable
├── DataFolderError       the data folder cannot be used (not writable, owned by another process)
├── BudgetReached         a budget is used up, so no new run is taken; says which, until when, and who can change it
├── Paused                an agent is paused by a switch; says by whom and why
├── OutcomeUnknown        an action may or may not have happened; a person has to find out
├── OutsideUnavailable    another system that the settings name gives no answer that can be used
├── StateError            a stored run state is altered, or this build cannot resume it
├── ToolError             a tool cannot do what the model asked; the text is written for the model
├── ModelUnavailable      no model of the chain answered
└── ModelRequestError     a model refused the request itself; another try or another model would not help

Every message is one sentence that says what to do and holds no customer text.
"""

from __future__ import annotations


class TriageError(Exception):
    """Base of every error that the product raises on purpose."""

    code = "error"


class InvalidInput(TriageError):  # noqa: N818 - the tree reads as words that a person would say
    """Something that was sent cannot be used; the message says what to change."""

    code = "invalid_input"


class NotFound(TriageError):  # noqa: N818
    """There is no record with that id."""

    code = "not_found"


class NotSignedIn(TriageError):  # noqa: N818
    """Nobody who is known asks. Which check failed is never said: it would help whoever guesses."""

    code = "not_signed_in"


class TooManyRequests(TriageError):  # noqa: N818
    """Asked too often; in ``retry_after_s`` whole seconds, at least one, it can be tried again."""

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotAllowed(TriageError):  # noqa: N818
    """The actor may not do this."""

    code = "not_allowed"


class Conflict(TriageError):  # noqa: N818
    """The record has moved on; the message says to what and by whom, where that is known."""

    code = "conflict"


class SettingsError(TriageError):
    """A setting is missing or wrong; the message names its environment variable."""

    code = "settings"


class DataFolderError(TriageError):
    """The data folder cannot be used: not writable, or owned by another process."""

    code = "data_folder"


class BudgetReached(TriageError):  # noqa: N818
    """A budget is used up: no new run is taken; those that were taken go on."""

    code = "budget_reached"


class Paused(TriageError):  # noqa: N818
    """An agent is paused by a switch."""

    code = "paused"


class OutcomeUnknown(TriageError):  # noqa: N818
    """An action may or may not have happened: the program stopped while it was at work."""

    code = "outcome_unknown"


class OutsideUnavailable(TriageError):  # noqa: N818
    """Another system that the settings name, a help desk or a database of orders, gives no answer that can be used."""

    code = "outside_unavailable"


class StateError(TriageError):
    """A stored run state was altered, or this build cannot resume it."""

    code = "state"


class ToolError(TriageError):
    """A tool cannot do what the model asked; the message is read by the model."""

    code = "tool"


class ModelUnavailable(TriageError):  # noqa: N818
    """No model of the chain answered."""

    code = "model_unavailable"


class ModelRequestError(TriageError):
    """A model refused the request itself, for example because it is too long; trying again would not help."""

    code = "model_request"
