"""The benchmarks run, count what they say they count and leave nothing behind; how fast they were is not asked."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from unittest.mock import patch

import psutil
import pytest

from bench import approvals, crowd, crowd_api, latency, overhead, pii, trace_page, traces
from bench.__main__ import main
from bench.desk import clean_environment, settings_for
from bench.figures import Figure, machine, print_figures
from bench.script import MODEL_CALLS
from triage.settings import Settings

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def nothing_is_left() -> object:
    """Every process and thread that a benchmark starts ends with it."""
    before = set(psutil.Process().children(recursive=True))
    yield
    # Other tests of this process may have a console of their own running.
    assert [child.cmdline() for child in set(psutil.Process().children(recursive=True)) - before] == []
    assert [thread.name for thread in threading.enumerate() if thread.name in {"run-mirror", "event-log"}] == []


def _named(figures: list[Figure]) -> dict[str, Figure]:
    return {figure.what: figure for figure in figures}


@pytest.mark.parametrize(
    ("value", "aim", "at_least", "met"),
    [(14.0, 15.0, False, True), (16.0, 15.0, False, False), (16.0, 15.0, True, True), (16.0, None, False, None)],
)
def test_an_aim_is_the_most_or_the_least(value: float, aim: float | None, at_least: bool, met: bool | None) -> None:
    assert Figure("what", value, "ms", aim=aim, at_least=at_least).is_met is met


def test_a_missed_aim_is_said_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    print_figures(
        "Title", [Figure("what", 16.04, "ms", aim=15.0), Figure("rate", 21_000.0, "1/s", 20_000, at_least=True)]
    )
    _, _, missed, kept = capsys.readouterr().out.splitlines()
    assert missed.split() == ["what", "16.0", "ms", "<=", "15", "NOT", "MET"]
    assert kept.split() == ["rate", "21,000", "1/s", ">=", "20,000", "met"]


def test_the_machine_is_told_without_its_name() -> None:
    text = machine()
    assert "cores" in text
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in text
    assert "/" not in text


def test_every_rung_works_whole_runs() -> None:
    figures = _named(overhead.measure(runs=1, rounds=1, idle_s=0.1))
    assert {f"CPU: {rung.name}" for rung in overhead.RUNGS} | {f"CPU: {overhead.PRODUCT}"} <= set(figures)
    assert figures["CPU added to one run"].aim == overhead.AIM_CPU_MS


def test_the_first_events_are_found() -> None:
    visible, by_agents = latency.measure(runs=1)
    assert 0 < visible.value <= by_agents.value


def test_a_crowd_takes_at_least_the_ideal_time() -> None:
    figures = _named(crowd.measure(runs=2, delay_ms=50))
    assert figures["wall time from the first submit to the last end"].value >= MODEL_CALLS * 0.05


def test_a_full_queue_is_opened_and_decided_in() -> None:
    figures = approvals.measure(pending=60, page_runs=1, decisions=1)
    assert [figure.aim for figure in figures] == [approvals.AIM_MS] * 2
    assert all(figure.value > 0 for figure in figures)


def test_the_traces_page_opens_its_list_and_a_long_trace() -> None:
    figures = trace_page.measure(runs=40, turns=3, page_runs=1)
    assert "30 steps" in figures[1].what
    assert all(figure.value > 0 for figure in figures)


@pytest.mark.parametrize(("spans", "overview", "listed"), [(1_000_000, 400, 150), (10_000_000, 2_000, 500)])
def test_the_aims_for_traces_are_those_of_their_number(spans: int, overview: float, listed: float) -> None:
    found = {"spans": spans, "overview, all": [1, 1], "  head": [1, 1], "list, text": [1, 1], "one trace": [1, 1]}
    figures = _named(traces._figures({**found, "memory at its most": 1, "size per million spans": 1}, spans))
    assert [figures[name].aim for name in figures] == [None, overview, None, listed, 50, 1_000, None]
    assert figures["list, text"].note == "1 ms of CPU"


def test_texts_that_no_rule_was_mended_on_are_scored_apart(tmp_path: Path) -> None:
    for name in pii.UNSEEN[:2]:
        (tmp_path / name).mkdir()
        texts = ["Write to kim@shop.example", "My card is 4111 1111 1111 1111", "Nothing"]
        (tmp_path / name / "dev.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    count, scores = pii.unseen_scores(tmp_path)
    assert count == len(texts)
    assert scores == [pii.Score("card", 0, 0, 0, 1), pii.Score("e-mail", 1, 1, 1, 1)]


def test_an_unknown_name_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "speed"])
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 2
    assert "no benchmark named speed" in capsys.readouterr().err


def test_foreign_settings_do_not_reach_the_desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRIAGE_MAX_TURNS", "3")
    with patch.dict(os.environ):
        clean_environment()
        assert settings_for(tmp_path).max_turns == Settings.model_fields["max_turns"].default


def test_a_crowd_of_clients_is_neither_refused_nor_lost() -> None:
    figures = _named(crowd_api.measure(clients=3))
    assert figures["3 clients submit at once: refused"].value == 0
    assert figures["3 event streams: runs or events lost"].value == 0
    assert figures["runs that did not complete"].value == 0
