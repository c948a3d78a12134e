"""Prepared statements do what SQLAlchemy does with the same statement, on both databases."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from storage.records import Records, open_engine
from storage.records.base import insert_once
from storage.records.prepared import Prepared
from storage.records.schema import run_events, runs
from tests.statements import asked_of

_AMONG = sa.select(runs).where(runs.c.id.in_(sa.bindparam("ids", expanding=True))).order_by(runs.c.id)
_OPEN = sa.select(sa.func.min(runs.c.created_at).label("first")).where(
    runs.c.status.in_(["queued", "running"]), runs.c.id == sa.bindparam("id")
)
_EVENT = {"run_id": "r1", "seq": 1, "key": "a", "kind": "run.started", "duration_ms": None, "payload": {"ü": [1, None]}}


@pytest.mark.parametrize("ids", [[], ["r1"], ["r1", "nobody"], ["r1", *("x" * n for n in range(1, 80))]])
def test_a_list_expands_to_any_length(with_run: Records, ids: list[str]) -> None:
    with with_run.read() as tx:
        plain = [row._asdict() for row in tx.connection.execute(_AMONG, {"ids": ids})]
        prepared = Prepared(_AMONG)
        assert prepared.rows(tx.connection, {"ids": ids}) == plain
        assert prepared.rows(tx.connection, {"ids": ["r1"]})[0]["id"] == "r1"


def test_constants_and_column_types_are_those_of_the_statement(with_run: Records) -> None:
    with with_run.read() as tx:
        plain = [row._asdict() for row in tx.connection.execute(_OPEN, {"id": "r1"})]
        assert Prepared(_OPEN).rows(tx.connection, {"id": "r1"}) == plain
        assert plain[0]["first"].tzinfo is not None


def test_changes_are_counted_and_committed(with_run: Records, make: SimpleNamespace) -> None:
    once = insert_once(run_events, ("run_id", "key"), with_run.engine.dialect.name)
    rows = [{**_EVENT, "at": make.now}, {**_EVENT, "at": make.now, "seq": 2, "key": "b"}]
    with with_run.begin() as tx:
        assert once.run(tx.connection, rows[0]) == 1
        assert once.run(tx.connection, [rows[1], {**rows[0], "seq": 3}]) == 1
    with with_run.read() as tx:
        assert [(event.seq, event.key, event.payload) for event in tx.events.list("r1")] == [
            (1, "a", {"ü": [1, None]}),
            (2, "b", {"ü": [1, None]}),
        ]


def test_what_leaves_with_an_error_is_rolled_back(with_run: Records, make: SimpleNamespace) -> None:
    rows = [{**_EVENT, "at": make.now, "key": key} for key in ("a", "secret")]
    with pytest.raises(IntegrityError) as refused, with_run.begin() as tx:
        Prepared(sa.insert(run_events)).run(tx.connection, rows)
    # The database's error is SQLAlchemy's, and does not say what was written.
    assert "secret" not in str(refused.value)
    with with_run.read() as tx:
        assert tx.events.list("r1") == []


def test_a_value_that_is_missing_is_not_taken_for_null() -> None:
    with open_engine("sqlite://").connect() as connection, pytest.raises((TypeError, sa.exc.StatementError)):
        Prepared(_AMONG).rows(connection)


def test_a_commit_by_sqlalchemy_keeps_what_went_past_it() -> None:
    table = sa.Table("things", sa.MetaData(), sa.Column("name", sa.Text))
    engine = open_engine("sqlite://")
    table.metadata.create_all(engine)
    with engine.connect() as connection:
        Prepared(sa.insert(table)).run(connection, {"name": "a"})
        connection.commit()
        Prepared(sa.insert(table)).run(connection, {"name": "b"})
        connection.rollback()
        assert connection.scalars(sa.select(table.c.name)).all() == ["a"]


def test_it_is_one_statement(records: Records) -> None:
    with asked_of(records) as asked, records.read() as tx:
        tx.runs.find("r1")
    assert len(asked) == 1
