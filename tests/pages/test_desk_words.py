"""The words and the paces of the desk, without a page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pages.components.conversation import steady
from pages.components.inbox import caption, row_labels
from pages.components.result import by_rules
from pages.components.run_view import refresh_every
from pages.components.text import plain
from tests.pages.test_story import make_events
from tests.pages.test_words import NOW, make_run
from triage.domain import EventKind, RunStatus, Urgency


def test_rows_of_equal_text_can_be_told_apart() -> None:
    first = make_run().model_copy(update={"id": "run_00aa"})
    second = make_run().model_copy(update={"id": "run_00bb"})
    assert row_labels([first, second]) == {
        "run_00aa": r"Hello :gray[\#00aa]",
        "run_00bb": r"Hello :gray[\#00bb]",
    }
    assert row_labels([first]) == {"run_00aa": "Hello"}


def test_a_row_says_as_much_as_a_line_of_a_wide_window_holds() -> None:
    message = "How do I add a seat to our plan? We have three colleagues who join us on Monday, and one later"
    run = make_run().model_copy(update={"message": message})
    assert row_labels([run])[run.id] == plain(
        "How do I add a seat to our plan? We have three colleagues who join us on…"
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "dana@northwind.example"),
        ({"urgency": Urgency.HIGH, "requires_human": True}, "dana@nort…"),
        ({"urgency": Urgency.CRITICAL, "requires_human": True}, "dana@…"),
    ],
)
def test_the_second_line_of_a_row_names_the_customer_as_far_as_there_is_room(fields: dict[str, Any], said: str) -> None:
    line = caption(make_run(customer_email="dana@northwind.example", **fields), now=NOW + timedelta(minutes=17))
    assert "17 min" in line
    assert line.endswith(f"· {plain(said)}")


def test_the_second_line_of_a_new_row_is_one_line() -> None:
    run = make_run(customer_email="dana@northwind.example", requires_human=True)
    assert caption(run, now=NOW).endswith(plain("dana@northwind.exa…"))
    critical = run.model_copy(update={"urgency": Urgency.CRITICAL})
    assert caption(critical, now=NOW).endswith(plain("dana@n…"))


def test_who_runs_the_console_is_told_of_a_refused_key() -> None:
    refused = make_events((EventKind.MODEL_FELL_BACK, {"from": "m", "to": "rules", "reason": "key refused (401)"}))
    assert by_rules(refused).startswith(
        r"No model answered: key refused \(401\). Whoever runs the console has to check"
    )
    slow = make_events((EventKind.MODEL_FELL_BACK, {"from": "m", "to": "rules", "reason": "no answer in time"}))
    assert "answer in time. Written rules" in by_rules(slow)


def test_the_pace_follows_the_status() -> None:
    assert refresh_every(make_run(RunStatus.RUNNING)) == 0.5
    assert refresh_every(make_run(RunStatus.AWAITING_APPROVAL)) == 1.5
    assert refresh_every(make_run(RunStatus.FAILED)) is None


def test_streamed_text_does_not_go_back_while_a_piece_is_on_its_way() -> None:
    assert steady("Dear Dana, we", before="Dear Dana") == "Dear Dana, we"
    assert steady("Dear", before="Dear Dana") == "Dear Dana"
    assert steady("Hello", before="Dear Dana") == "Hello"
