"""The dialog that imports a file of messages."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components.context import actor, services
from pages.components.dialogs import close_dialog, form_id
from pages.components.refusal import show_refusal
from pages.components.words import count
from triage.errors import TriageError
from triage.runs.importer import ImportReport, Parsed, import_messages, read_messages, wrong_lines

_SHOWN_ERRORS = 200
_ASKED = "import_asked"


@st.dialog("Import messages", width="medium", icon=":material/upload_file:", on_dismiss=close_dialog)
def import_file() -> None:
    """Take a CSV or JSONL file, submit its messages and say which lines were wrong."""
    opened = form_id()
    st.caption(
        "CSV with a header line, or JSONL with one object on each line. Columns: **message**, and where known "
        "**email**, **account**, **conversation**. UTF-8. A file that was imported before adds nothing."
    )
    file = st.file_uploader(
        "File", type=["csv", "jsonl", "ndjson"], key=f"import_{opened}", label_visibility="collapsed"
    )
    if file is None:
        return
    try:
        parsed = read_messages(file.getvalue(), name=file.name)
    except TriageError as error:
        show_refusal(error)
        return
    kept = f"import_report_{file.file_id}"
    # One place for what comes one after the other, so that nothing of the step before stands beside the next one.
    place = st.empty()
    if st.session_state.pop(_ASKED, None) == opened and kept not in st.session_state:
        try:
            st.session_state[kept] = _import(parsed, place)
        except TriageError as error:
            show_refusal(error)
            st.caption("What was imported until then is kept; the same file again adds only the rest.")
            return
    with place.container():
        report: ImportReport | None = st.session_state.get(kept)
        if report is not None:
            _show_report(parsed, report, key=opened)
            return
        st.markdown(_found(parsed))
        st.button(
            f"Import {count(len(parsed.rows), 'message')}",
            type="primary",
            icon=":material/upload:",
            key=f"import_go_{opened}",
            disabled=not parsed.rows,
            on_click=_ask,
            args=(opened,),
        )
        _show_errors(parsed, parsed.errors, key=opened)


def _ask(opened: str) -> None:
    st.session_state[_ASKED] = opened


def _import(parsed: Parsed, place: DeltaGenerator) -> ImportReport:
    bar = place.progress(0.0, text="Importing…")

    def show(done: int, of: int) -> None:
        # A message to the browser for every row would take longer than the import.
        if done == of or done % max(1, of // 100) == 0:
            bar.progress(done / of, text=f"{done:,} of {of:,} messages")

    return import_messages(services().runs, parsed, actor=actor(), on_progress=show)


def _found(parsed: Parsed) -> str:
    good = f"**{count(len(parsed.rows), 'message')}** can be imported"
    wrong = f", **{count(len(parsed.errors), 'line')}** cannot" if parsed.errors else ""
    return f"{good}{wrong}."


def _show_report(parsed: Parsed, report: ImportReport, *, key: str) -> None:
    said = [f"{count(report.accepted, 'message')} imported"]
    if report.already_there:
        said.append(f"{report.already_there:,} had been imported before")
    if report.errors:
        said.append(f"{count(len(report.errors), 'line')} could not be used")
    show = st.success if not report.errors else st.warning
    show("; ".join(said) + ".", icon=":material/check_circle:" if not report.errors else ":material/warning:")
    _show_errors(parsed, report.errors, key=key)
    if st.button("Close", key=f"import_close_{key}"):
        close_dialog()
        st.rerun()


def _show_errors(parsed: Parsed, errors: list, *, key: str) -> None:
    if not errors:
        return
    st.dataframe(
        {
            "Line": [error.line for error in errors[:_SHOWN_ERRORS]],
            "What is wrong": [error.sentence for error in errors[:_SHOWN_ERRORS]],
        },
        hide_index=True,
        height=min(38 + 35 * len(errors), 250),
        column_config={
            "Line": st.column_config.NumberColumn(width=60),
            "What is wrong": st.column_config.TextColumn(width=640),
        },
        alt="Lines of the file that could not be used, with the reason",
    )
    if len(errors) > _SHOWN_ERRORS:
        st.caption(f"The first {_SHOWN_ERRORS} of {len(errors):,} are shown.")
    st.download_button(
        "Download the wrong lines",
        wrong_lines(parsed, errors),
        file_name=f"wrong-lines-{parsed.name}",
        icon=":material/download:",
        on_click="ignore",
        key=f"import_wrong_{key}",
        help="Mend them in this file and import it again.",
    )
