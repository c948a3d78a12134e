"""Marks, releases and cases, on both databases."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from storage.records import Records
from tests.storage.conftest import NOW
from triage.domain import Case, Judgement, Precision, Release, TripMark
from triage.errors import Conflict


def mark(id: str, **changes: Any) -> TripMark:  # noqa: A002
    usual = {"id": id, "run_id": "r1", "guardrail": "Input check", "stage": "input", "verdict": "harmful"}
    more = {"tripped_at": NOW, "judgement": Judgement.RIGHT, "marked_by": "rita", "marked_at": NOW}
    return TripMark(**{**usual, **more, **changes})


def case(id: str, **changes: Any) -> Case:  # noqa: A002
    usual = {"id": id, "message": "It broke. 😀", "message_hash": "h", "guardrail": "Input check", "stage": "input"}
    more = {"expected_verdict": "support", "source_trip_id": "s1", "source_run_id": "r1", "created_by": "rita"}
    return Case(**{**usual, **more, "created_at": NOW, **changes})


def release(**changes: Any) -> Release:
    usual = {"run_id": "r1", "released_run_id": "r2", "guardrail": "Input check", "verdict": "harmful"}
    more = {"message_hash": "h", "reason": "A test", "released_by": "rita", "released_at": NOW}
    return Release(**{**usual, **more, **changes})


def test_the_last_mark_counts_and_precision_is_by_guardrail_and_time(any_records: Records) -> None:
    with any_records.begin() as stores:
        stores.marks.put(mark("s1", judgement=Judgement.WRONG))
        stores.marks.put(mark("s1", note="Größe"))
        stores.marks.put(mark("s2", judgement=Judgement.WRONG, run_id=None))
        stores.marks.put(mark("s3", guardrail="Secrets"))
        stores.marks.put(mark("s4", tripped_at=NOW + timedelta(days=1)))
    with any_records.read() as stores:
        assert stores.marks.get("s1") == mark("s1", note="Größe")
        assert {found.id for found in stores.marks.list_among(["s1", "s3", "none"])} == {"s1", "s3"}
        assert stores.marks.precision(start=NOW, end=NOW + timedelta(days=1)) == [
            Precision(guardrail="Input check", right=1, wrong=1),
            Precision(guardrail="Secrets", right=1, wrong=0),
        ]


def test_a_run_is_released_once_and_its_release_goes_with_it(with_run: Records, make: SimpleNamespace) -> None:
    with with_run.begin() as stores:
        stores.runs.add(make.run(id="r2"))
        stores.runs.add(make.run(id="r3"))
        stores.releases.add(release())
    for again in (release(released_run_id="r3"), release(run_id="r3"), release(run_id="r9", released_run_id="r3")):
        with pytest.raises(Conflict), with_run.begin() as stores:
            stores.releases.add(again)
    with with_run.read() as stores:
        assert stores.releases.find("r1") == stores.releases.find_by_released_run("r2") == release()
        assert stores.releases.find("r2") is None


def test_the_same_text_is_one_case_for_each_guardrail(any_records: Records) -> None:
    with any_records.begin() as stores:
        assert stores.cases.add(case("c1")) == case("c1")
        assert stores.cases.add(case("c2", expected_verdict="harmful")) == case("c1")
        other = case("c3", guardrail="Secrets", source_trip_id="s2", created_at=NOW + timedelta(seconds=1))
        assert stores.cases.add(other) == other
        assert stores.cases.update("c1", expected_verdict="harmful").expected_verdict == "harmful"
    with any_records.read() as stores:
        assert [found.id for found in stores.cases.list()] == ["c1", "c3"]
        assert [found.id for found in stores.cases.list_of_trips(["s2"])] == ["c3"]
        assert stores.cases.count() == 2
