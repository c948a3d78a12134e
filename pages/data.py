"""What is kept of customers: for how long, how much it is, and how it leaves: erasures, exports, backups."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import streamlit as st

from pages.components.context import actor, services
from pages.components.data_erase import erase_panel
from pages.components.data_jobs import job_list, size
from pages.components.gate import way_to_a_role
from pages.components.refusal import show_refusal
from pages.components.text import plain
from triage.access.actions import Action, may
from triage.domain import JobKind
from triage.errors import TriageError

KEPT, ERASE, EXPORTS, BACKUPS = "Kept", "Erase a customer", "Exports", "Backups"
care, who = services().data_care, actor()


def ask(work: str, /, **asked: object) -> None:
    """Ask for a job, and show it in the list below at once."""
    try:
        getattr(care, work)(actor=who, **asked)
    except TriageError as error:
        show_refusal(error)
    else:
        st.rerun()


st.title("Data")
if not may(who, Action.JOBS_READ):
    st.info(f"Managers see this page. {way_to_a_role()}", icon=":material/lock:")
    st.stop()
view = st.segmented_control(
    "View", [KEPT, EXPORTS, ERASE, BACKUPS], default=KEPT, required=True, key="data_view", bind="query-params",
    label_visibility="collapsed",
)  # fmt: skip
is_admin = may(who, Action.CUSTOMERS_ERASE)
if view in (ERASE, BACKUPS) and not is_admin:
    st.info(f"Administrators do this. {way_to_a_role()}", icon=":material/lock:")
    st.stop()

try:
    if view == KEPT:
        left, right = st.columns(2, gap="large")
        with left:
            st.subheader("For how long")
            st.dataframe(
                [{"What": what, "Kept": kept, "Setting": setting} for what, kept, setting in care.retention.told()],
                hide_index=True, width="stretch",
            )  # fmt: skip
            st.caption("What is over is removed once a day. What runs or waits for a person is never touched.")
        with right:
            st.subheader("How much")
            st.dataframe(
                [{"What": what, "Size": size(held)} for what, held in care.sizes(actor=who).items()],
                hide_index=True, width="stretch",
            )  # fmt: skip
        if is_admin:
            with st.container(horizontal=True):
                if st.button("See what is due", icon=":material/search:"):
                    ask("apply_retention", dry_run=True)
                if st.button("Remove what is due now", icon=":material/auto_delete:"):
                    ask("apply_retention")
        job_list([JobKind.RETENTION], empty="Nobody has asked for a removal yet; it happens by itself once a day.")
    elif view == EXPORTS:
        st.caption("Traces with their spans and runs, as Parquet files in one archive. Each export is audited.")
        today = datetime.now(UTC).date()
        with st.form("export", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = st.date_input(
                "Submitted from, to (UTC)", (today - timedelta(days=7), today), key="export_days", width=280
            )
            if st.form_submit_button("Export", type="primary", icon=":material/download:"):
                days: list[date] = list(chosen) if isinstance(chosen, tuple) else [chosen]
                if len(days) != 2:  # noqa: PLR2004 - the first and the last day
                    show_refusal("Choose the first and the last day.")
                else:
                    since, until = (datetime.combine(day, time(), UTC) for day in days)
                    ask("export_traces", since=since, until=until + timedelta(days=1))
        job_list(
            [JobKind.EXPORT, JobKind.IMPORT],
            empty="Nothing was exported yet. Choose the days and press Export; the file stays here to download.",
        )
    elif view == ERASE:
        erase_panel()
    elif care.no_backup is not None:
        st.info(plain(care.no_backup), icon=":material/archive:")
    else:
        st.caption(
            "Records, traces and the key in one file, made while the console works. It holds what customers wrote."
        )
        name = f"triage-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar"
        with st.form("backup", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            file = st.text_input("File on this machine", str(Path(care.backup_folder) / name), key="backup_file")
            if st.form_submit_button("Back up", type="primary", icon=":material/archive:"):
                ask("back_up", file=Path(file))
        st.caption(plain("python -m triage restore FILE brings it back into an empty folder."))
        job_list([JobKind.BACKUP], empty="No backup was made here yet. Name a file and press Back up.")
except TriageError as error:
    show_refusal(error)
