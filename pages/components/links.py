"""Links between the pages."""

from __future__ import annotations

import streamlit as st


def trace_link(trace_id: str, *, label: str = "Trace") -> None:
    """Link to a trace."""
    st.page_link("traces.py", label=label, icon=":material/account_tree:", query_params={"trace": trace_id})


def desk_link(run_id: str, *, label: str = "Desk") -> None:
    """Link to a run on the desk."""
    st.page_link("desk.py", label=label, icon=":material/inbox:", query_params={"run": run_id})


def approval_link(approval_id: str, *, label: str = "Decide") -> None:
    """Link to an action that waits for a decision."""
    st.page_link("approvals.py", label=label, icon=":material/approval:", query_params={"approval": approval_id})
