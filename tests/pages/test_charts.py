from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pages.components import charts, numbers
from pages.components.charts import Chart, Mark
from pages.components.figures_file import to_csv
from triage.domain.measures import Percentiles, Spending, SpendingBucket, ToolUse

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_model_keeps_its_colour_when_others_come() -> None:
    few = charts.model_colours(["a", "b"])
    many = charts.model_colours(["a", "b", "c", "d", "e", "f", "g"])
    assert all(many[name] == colour for name, colour in few.items())
    assert len(set(many.values())) == 6
    assert many["f"] == many["g"] == charts.PALETTE[-1]
    assert charts.shown_model("e", many) == "e"
    assert charts.shown_model("f", many) == charts.shown_model(None, many) == charts.OTHER_MODELS


def bars(*marks: Mark) -> Chart:
    series = {"large": {NOON + DAY * place: mark for place, mark in enumerate(marks)}}
    starts = [NOON + DAY * place for place in range(len(marks))]
    return charts.stacked_bars(series, colours={"large": "#0F766E"}, starts=starts, step=DAY)


def test_a_click_leads_to_the_address_of_its_mark() -> None:
    chart = bars(Mark(1, "one", {"page": "1"}), Mark(0, "none"), Mark(2, "two", {"page": "2"}))
    (shown,) = chart.figure.data
    assert list(shown.y) == [1, 2]
    assert [chart.address_of([{"customdata": number}]) for number in shown.customdata] == [{"page": "1"}, {"page": "2"}]


@pytest.mark.parametrize(
    "said", [[], [{}], [{"customdata": [7]}], [{"customdata": [-1]}], [{"customdata": ["0"]}], [{"customdata": 0}]]
)
def test_what_a_browser_says_of_no_mark_of_ours_leads_nowhere(said: list[dict[str, object]]) -> None:
    assert bars(Mark(1, "one", {"page": "1"})).address_of(said) is None


def contrast_with_white(colour: str) -> float:
    """Return the contrast as the accessibility guidelines define it."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def test_the_numbers_of_a_matrix_can_be_read_on_every_shade() -> None:
    fields = {("Billing", "Billing"): Mark(5, "kept"), ("Billing", "Other"): Mark(1, "changed")}
    chart = charts.matrix(fields, rows=["Billing", "Other"], columns=["Billing", "Other"])
    written = chart.figure.layout.annotations
    assert [said.text for said in written] == ["5", "1"]
    assert all(said.font.color == "#FFFFFF" and contrast_with_white(said.bgcolor) >= 4.5 for said in written)


def test_names_and_texts_are_no_markup_in_a_chart() -> None:
    mark = Mark(1, "<b>said</b>")
    chart = charts.ranked_bars({"<i>": {"<a href='x'>": mark}}, colours={}, rows=["<a href='x'>"])
    (shown,) = chart.figure.data
    assert (shown.name, shown.y[0], shown.hovertext[0]) == (
        "&lt;i&gt;",
        "&lt;a href='x'&gt;",
        "&lt;b&gt;said&lt;/b&gt;",
    )


def test_a_time_without_a_measure_leaves_a_gap() -> None:
    series = {"p50": [Mark(0.5, "half a second"), Mark(None, "nothing"), Mark(1, "one second")]}
    chart = charts.lines(series, colours={"p50": "#0F766E"}, starts=[NOON, NOON + DAY, NOON + 2 * DAY], step=DAY)
    assert list(chart.figure.data[0].y) == [0.5, None, 1]


def test_a_matrix_shades_each_field_by_its_share_of_the_row() -> None:
    fields = {("Billing", "Billing"): Mark(3, "3 runs"), ("Billing", "Other"): Mark(1, "1 run")}
    chart = charts.matrix(fields, rows=["Billing", "Other"], columns=["Billing", "Other"])
    same, changed = chart.figure.data
    assert [list(row) for row in same.z] == [[0.75, None], [None, None]]
    assert [list(row) for row in changed.z] == [[None, 0.25], [None, None]]
    assert [(note.x, note.y, note.text) for note in chart.figure.layout.annotations] == [
        ("Billing", "Billing", "3"),
        ("Other", "Billing", "1"),
    ]


def test_a_file_of_figures_has_the_rates_and_what_is_within_and_starts_no_formula() -> None:
    use = ToolUse(
        tool="=cmd()", calls=4, errors=1, paused=0, times=Percentiles(count=4, p50_ms=2.5, p95_ms=3, p99_ms=3)
    )
    assert to_csv([use]) == (
        "tool,calls,errors,paused,times_count,times_p50_ms,times_p95_ms,times_p99_ms,error_rate\r\n"
        "'=cmd(),4,1,0,4,2.5,3,3,0.25\r\n"
    )
    bucket = SpendingBucket(at=NOON, name=None, calls=1, cost_usd=Decimal("0.10"))
    header, row = to_csv([bucket]).splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["at"] == "2026-03-10T12:00:00+00:00"
    assert to_csv([]) == ""
    assert "cached_share" in to_csv([Spending(name="large")])


def test_a_change_is_said_only_where_there_was_something_before() -> None:
    assert numbers.trend_of_count(12, 10) == "+20 %"
    assert numbers.trend_of_count(12, 0) is None
    assert numbers.trend_of_money(Decimal(9), Decimal(10)) == "-10 %"
    assert numbers.trend_of_share(0.031, 0.035, of=(900, 800)) == "-0.4 pt"
    assert numbers.trend_of_share(0.03, None, of=(900, 0)) is None
    assert numbers.trend_of_time(6200, 6500, of=(20, 10)) == "-0.30 s"
    assert numbers.trend_of_time(6200, 6199, of=(20, 10)) == 0
    assert numbers.share(None) == "none yet"


def test_against_an_almost_empty_period_it_is_said_what_there_was() -> None:
    assert numbers.trend_of_count(1785, 1) == "from 1"
    assert numbers.trend_of_count(100, 10) == "+900 %"
    assert numbers.trend_of_money(Decimal("7.5"), Decimal("0.0041")) == "from $0.0041"
    assert numbers.trend_of_share(0.03, 1.0, of=(1785, 1)) is None
    assert numbers.trend_of_time(6200, 900, of=(1785, 2)) is None
