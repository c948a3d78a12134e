"""Erasing a customer: look what there is, type the address once more, and read the receipt."""

from __future__ import annotations

import streamlit as st

from pages.components.context import actor, services
from pages.components.data_jobs import job_list
from pages.components.refusal import show_refusal
from pages.components.text import plain, typed
from triage.domain import JobKind
from triage.errors import TriageError

ADDRESS, TYPED, FORM = "erase_address", "erase_typed", "erase_round"


def erase_panel() -> None:
    """Let an administrator erase a customer."""
    care, who = services().data_care, actor()
    st.caption(
        "Everything of one customer goes for good: conversations, runs, approvals, tickets, traces and exports. "
        "Orders and accounts stay without name and address. Backups are not touched; the receipt names them."
    )
    # A new pair of fields after each erasure, so that no address stays on the page.
    turn = st.session_state.get(FORM, 0)
    email = st.text_input(
        "The customer's e-mail address", key=f"{ADDRESS}_{turn}", max_chars=200, autocomplete="off", width=420
    )
    if email.strip():
        try:
            found = care.preview_erasure(email, actor=who)
        except TriageError as error:
            show_refusal(error)
            return
        st.dataframe(
            [{"What": name, "How many": count} for name, count in found.items()], hide_index=True, width="content"
        )
        again = typed(
            st.text_input(
                "Type the address once more to erase this customer",
                key=f"{TYPED}_{turn}",
                autocomplete="off",
                width=420,
            )
        )
        is_same = again.lower() == typed(email).lower()
        if again and not is_same:
            st.caption("The two addresses are not the same.")
        if st.button(
            "Erase this customer for good", type="primary", icon=":material/delete_forever:", disabled=not is_same
        ):
            try:
                job = care.erase(email, actor=who)
            except TriageError as error:
                show_refusal(error)
            else:
                st.session_state[FORM] = turn + 1
                st.toast(f"The erasure has begun: {plain(job.arguments['customer'])}", icon=":material/delete_forever:")
                st.rerun()
    st.subheader("Receipts")
    job_list([JobKind.ERASE], empty="No customer was erased yet. Each erasure leaves its receipt here.")
