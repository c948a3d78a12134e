"""What happened in each run, step by step: the list, one trace, or two side by side, as the address says."""

from __future__ import annotations

import streamlit as st

from pages.components.export_note import export_note
from pages.components.intake_note import intake_note
from pages.components.keys import listen_to_keys
from pages.components.refusal import show_refusal
from pages.components.text import plain
from pages.components.trace_compare_view import compare_view
from pages.components.trace_filters import SEARCH_LABEL
from pages.components.trace_home import trace_home
from pages.components.trace_state import asked_now
from pages.components.trace_view import trace_view
from triage.errors import TriageError

asked = asked_now()

with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.title("Traces", anchor=False, width="content")
    way = st.container(horizontal=True, vertical_alignment="center", gap="small")
for problem in asked.problems:
    st.warning(plain(problem), icon=":material/link_off:")
try:
    if asked.trace and asked.other:
        compare_view(asked.trace, asked.other, way=way)
    elif asked.trace:
        listen_to_keys(SEARCH_LABEL)
        trace_view(asked, asked.trace, way=way)
    else:
        intake_note(with_lines=True)
        trace_home(asked)
        export_note()
        listen_to_keys(SEARCH_LABEL)
except TriageError as error:
    show_refusal(error)
