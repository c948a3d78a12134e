"""The dialog for a new message."""

from __future__ import annotations

import streamlit as st

from pages.components.context import actor, seen, services
from pages.components.dialogs import close_dialog, form_id, open_dialog
from pages.components.refusal import show_refusal
from pages.components.selection import select_run, selected_run
from pages.components.text import plain
from pages.components.words import one_line
from triage.domain import Run
from triage.errors import InvalidInput, NotFound, TriageError
from triage.runs.intake import CONVERSATION_PREFIX, MAX_MESSAGE_CHARS, clean_id


@st.dialog("New message", width="medium", icon=":material/edit_square:", on_dismiss=close_dialog)
def new_message() -> None:
    """Take a customer's message; what was typed stays when it cannot be accepted."""
    opened = form_id()
    current = _current()
    with st.form(f"new_{opened}", border=False):
        text = st.text_area(
            "What the customer wrote",
            height=180,
            key=f"new_text_{opened}",
            placeholder="Paste the message as it came.",
            help=f"At most {MAX_MESSAGE_CHARS:,} characters.",
        )
        left, middle, right = st.columns(3)
        email = left.text_input(
            "Customer's e-mail",
            key=f"new_email_{opened}",
            placeholder="name@company.com",
            help="Leave empty if unknown.",
        )
        account = middle.text_input(
            "Account id", key=f"new_account_{opened}", placeholder="A-1042", help="Leave empty if unknown."
        )
        conversation = right.text_input(
            "Conversation",
            key=f"new_conversation_{opened}",
            placeholder="Empty: a new one",
            help="The id of the conversation that this message continues; it stands below the subject of its messages.",
        )
        goes_on = current is not None and st.checkbox(
            f"Continue the open conversation: {plain(one_line(current.message, limit=60))}", key=f"new_goes_on_{opened}"
        )
        sent = st.form_submit_button("Submit", type="primary", icon=":material/send:", shortcut="Ctrl+Enter")
    st.button(
        "Import a file of messages instead",
        icon=":material/upload_file:",
        type="tertiary",
        key=f"new_import_{opened}",
        on_click=open_dialog,
        args=("import",),
    )
    if sent:
        try:
            run = services().runs.submit(
                text or "",
                actor=actor(),
                customer_email=email,
                account_id=account,
                conversation_id=_continued(conversation or "", open_one=current if goes_on else None),
                idempotency_key=f"desk:{opened}",
            )
        except TriageError as error:
            show_refusal(error)
            return
        select_run(run.id)
        close_dialog()
        st.rerun()


def _continued(written: str, *, open_one: Run | None) -> str | None:
    """Return the id of the conversation that the message continues, or None for a new one.

    Raises:
        InvalidInput: there is no conversation with the written id, or the open one was chosen besides it.
    """
    named = clean_id(written, what="conversation id")
    if named is None:
        return open_one.conversation_id if open_one else None
    # The desk shows ids without what all of them begin with.
    for conversation_id in (named, f"{CONVERSATION_PREFIX}{named}"):
        try:
            found = seen().conversations.get(conversation_id).id
        except NotFound:
            continue
        if open_one is not None and open_one.conversation_id != found:
            raise InvalidInput("Choose one: the open conversation, or the one whose id is given.")
        return found
    raise InvalidInput(f"There is no conversation {named}. Check the id, or leave it empty to start a new one.")


def _current() -> Run | None:
    """Return the open run, if there is one."""
    run_id = selected_run()
    try:
        return seen().runs.get(run_id) if run_id else None
    except TriageError:
        return None
