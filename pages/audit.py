"""Who changed what: the audit log, newest first, one entry beside it, and whether the log is whole."""

from __future__ import annotations

import streamlit as st

from pages.components import words
from pages.components.audit_check import check_button, check_result
from pages.components.audit_entries import PARAM, entry_rows, entry_view
from pages.components.audit_filters import audit_filters
from pages.components.context import actor, services
from pages.components.gate import way_to_a_role
from pages.components.refusal import show_refusal
from pages.components.text import plain
from triage.audit.export import Format
from triage.domain import AuditFilter
from triage.errors import NotAllowed, TriageError

PAGE_SIZE = 20
audit, who = services().audit, actor()


def export_button(query: AuditFilter, form: Format, label: str, mime: str) -> None:
    """Offer what the filters find as a file; it is made, and entered into the log, when somebody clicks."""
    st.download_button(
        label, lambda: "".join(audit.export(query, form=form, actor=who)), file_name=f"audit.{form}", mime=mime,
        icon=":material/download:", on_click="ignore", key=f"export_{form}", width="stretch",
    )  # fmt: skip


head, controls = st.columns([2, 3], vertical_alignment="center")
head.title("Audit log")
try:
    choices = audit.choices(actor=who)
except NotAllowed as error:
    st.info(f"{plain(error)} {way_to_a_role()}", icon=":material/lock:")
    st.stop()
with controls.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
    check_button()
    export_slot = st.popover("Export", icon=":material/download:")
check_result()

wanted = audit_filters(choices)
try:
    total = audit.count(wanted.query, actor=who)
    pages = max(1, -(-total // PAGE_SIZE))
    left, right = st.columns([7, 5], gap="medium")
    with left:
        slot = st.container()
        page = st.pagination(pages, key="audit_page", max_visible_pages=7) if pages > 1 else 1
    offset = (min(page, pages) - 1) * PAGE_SIZE
    entries = audit.list(wanted.query, actor=who, limit=PAGE_SIZE, offset=offset)
except TriageError as error:
    show_refusal(error)
    st.stop()

with export_slot:
    st.caption(f"{words.count(total, 'entry', plural='entries')} as the filters find them. An export is entered here.")
    export_button(wanted.query, "csv", "CSV for a spreadsheet", "text/csv")
    export_button(wanted.query, "jsonl", "JSONL with everything", "application/jsonl")

asked_for = st.query_params.get(PARAM, "")
shown = entries[0] if entries else None
if asked_for.isdecimal():
    try:
        shown = audit.get(int(asked_for), actor=who)
    except TriageError as error:
        right.warning(plain(error), icon=":material/search_off:")
with slot:
    if entries:
        st.caption(words.count(total, "entry", plural="entries"))
        entry_rows(entries, selected=shown.seq if shown else None)
    elif wanted.is_narrowed:
        st.info("No entry fits these filters. Clear some, or take a longer time.", icon=":material/search_off:")
    else:
        st.info("Nothing was changed in this time. Take a longer one.", icon=":material/history:")
with right:
    if shown is not None:
        entry_view(shown)
