"""Where figures are read it is said when spans do not come in, and that lines were set aside."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import OpenPage
from triage.domain.traces import IngestHealth
from triage.services import Services

NASTY = "![x](http://127.0.0.1:9/x.png)"


def warned(page: AppTest) -> list[str]:
    assert not page.exception
    return [str(item.value) for item in page.warning if "set aside" in str(item.value)]


def test_lines_that_were_set_aside_are_told_with_what_to_do(running: Services, open_page: OpenPage) -> None:
    assert warned(open_page("traces")) == []
    for folder, lines in ((running.settings.spool_dir, "{broken\nnor this\n"), (running.settings.inbox_dir, "{cut")):
        (folder / "rejected").mkdir(parents=True)
        (folder / "rejected" / "1-0.jsonl").write_text(lines)
    st.cache_data.clear()
    (said,) = warned(open_page("traces"))
    assert "3 lines could not be read" in said
    assert "import-traces" in said


@pytest.mark.parametrize("page", ["traces", "overview", "guardrails"])
def test_a_store_in_trouble_is_told_where_figures_are_read(
    running: Services, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    in_trouble = IngestHealth(lines_set_aside=0, trouble=f"No space is left {NASTY}")
    monkeypatch.setattr(running.processor, "health", lambda: in_trouble)
    (said,) = [str(item.value) for item in open_page(page).error]
    assert "Newer runs are missing here" in said
    assert NASTY not in said
