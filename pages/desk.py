"""The desk: the inbox, the conversation with what the agents do, and the result."""

from __future__ import annotations

import streamlit as st

from pages.components.context import seen
from pages.components.conversation import events, header, next_message, streaming, thread
from pages.components.dialogs import open_name
from pages.components.importer_view import import_file
from pages.components.inbox import inbox, inbox_pace
from pages.components.keys import listen_to_keys
from pages.components.reply import reply
from pages.components.result import result
from pages.components.run_dialogs import confirm_cancel, confirm_take_over, copy_link, escalate
from pages.components.run_view import load, refresh_every
from pages.components.selection import select_run, selected_run
from pages.components.submit import new_message
from pages.components.text import plain
from triage.errors import TriageError

DIALOGS = {
    "new": new_message,
    "import": import_file,
    "cancel": confirm_cancel,
    "take_over": confirm_take_over,
    "escalate": escalate,
    "link": copy_link,
}


def open_run(run_id: str, *, every: float | None) -> None:
    """Draw the open run; as a fragment it draws itself again while something moves."""
    view = load(run_id)
    if refresh_every(view.run) != every:
        # The run has moved on, so the page is drawn once more: the pace changes and the inbox agrees.
        st.rerun()
    middle, right = st.columns([8, 5], gap="medium")
    with middle:
        header(view)
        thread(view)
        events(view)
        streaming(view)
        reply(view)
        next_message(view)
    with right:
        result(view)


if selected_run() is None and (newest := seen().runs.list(limit=1)):
    select_run(newest[0].id)
left, work = st.columns([4, 9], gap="medium")
with left:
    pace = inbox_pace()
    st.fragment(inbox, run_every=pace)(every=pace)
with work:
    run_id = selected_run()
    if run_id is None:
        st.subheader("Nothing here yet", anchor=False)
        st.caption(
            "Submit a customer's message with the button on the left or the key N, and watch the agents work on it."
        )
    else:
        try:
            every = refresh_every(seen().runs.get(run_id))
        except TriageError as error:
            st.warning(f"{plain(error)} Choose a message on the left.", icon=":material/search_off:")
        else:
            st.fragment(open_run, run_every=every)(run_id, every=every)
if (name := open_name()) in DIALOGS:
    DIALOGS[name]()
listen_to_keys()
