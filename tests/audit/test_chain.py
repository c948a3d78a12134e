"""The chain of the audit log: whatever is done to a line behind its back is found, and an untouched log passes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from storage.records import Records, open_engine
from storage.records.audit import SEAL
from storage.records.audit_chain import entry_hash
from storage.records.schema_control import audit_log
from tests.audit.conftest import KEY, entry, fill, read_lines, switch_off_guard, write_lines
from tests.migrated import migrated
from triage.domain import AuditCheck, AuditFilter

PROJECT = Path(__file__).parents[2]
LINES = 12
APPEND = """
import sys
from storage.records import Records, open_engine
from tests.audit.conftest import KEY, entry
records = Records(open_engine(sys.argv[1]), key=KEY)
sys.stdin.readline()
for number in range(40):
    with records.begin() as tx:
        tx.audit.add(entry(number, actor=sys.argv[2]))
records.close()
"""


def verify(records: Records, **more: Any) -> AuditCheck:
    with records.read() as tx:
        check: AuditCheck = tx.audit.verify(**more)
    return check


def test_an_untouched_log_passes(any_sealed: Records) -> None:
    assert verify(any_sealed).is_unbroken
    fill(any_sealed, LINES)
    check = verify(any_sealed)
    assert (check.is_unbroken, check.checked, check.head_seq, check.is_sealed) == (True, LINES, LINES, True)


def test_a_log_of_many_pages_passes(sealed: Records) -> None:
    fill(sealed, 2500)
    assert (verify(sealed).checked, verify(sealed).problem) == (2500, None)


def test_what_was_written_is_read_back(any_sealed: Records) -> None:
    odd = entry(1, before={"text": "a\u0000b\ud800", "n": 1.5}, after=None, at=entry(1).at.astimezone())
    with any_sealed.begin() as tx:
        written = tx.audit.add(odd)
    with any_sealed.read() as tx:
        assert tx.audit.list() == [written]
    assert verify(any_sealed).is_unbroken


# Whatever is done to one line.

_OTHER_VALUES = {
    "at": [entry(99).at, entry(99).at + timedelta(microseconds=1)],
    "actor": ["mallory", ""],
    "role": ["admin", "nobody"],
    "action": ["approval.rejected"],
    "subject_kind": ["run"],
    "subject_id": ["apr_2 "],
    "before": [None, "", '{"status": "pending"}'],
    "after": [None, "{}", "no json"],
    "previous_hash": ["0" * 63 + "1"],
    "hash": ["f" * 64],
}
Lines = list[dict[str, Any]]
# Takes the lines and a place, and returns the lines that are then in the table and the number of the first wrong one.
Harm = Callable[[Lines, int], tuple[Lines, int]]


def _altered(column: str, value: Any, *, with_new_hash: bool) -> Harm:
    def harm(lines: Lines, place: int) -> tuple[Lines, int]:
        lines[place][column] = value
        if with_new_hash:
            lines[place]["hash"] = entry_hash(lines[place])
            # Its own hash fits again; the next line, or at the end the seal, does not.
            return lines, place + 2 if place + 1 < len(lines) else place + 1
        return lines, place + 1

    return harm


def _removed(lines: Lines, place: int) -> tuple[Lines, int]:
    return lines[:place] + lines[place + 1 :], place + 1


def _removed_and_closed_up(lines: Lines, place: int) -> tuple[Lines, int]:
    del lines[place]
    for seq, line in enumerate(lines, start=1):
        line["seq"] = seq
    return lines, place + 1


def _swapped(lines: Lines, place: int) -> tuple[Lines, int]:
    other = (place + 1) % len(lines)
    lines[place]["seq"], lines[other]["seq"] = lines[other]["seq"], lines[place]["seq"]
    return lines, min(place, other) + 1


def _duplicated(lines: Lines, place: int) -> tuple[Lines, int]:
    lines.insert(place, dict(lines[place]))
    for seq, line in enumerate(lines, start=1):
        line["seq"] = seq
    return lines, place + 2


def _inserted(lines: Lines, place: int) -> tuple[Lines, int]:
    new = {**lines[place], "actor": "mallory"}
    lines.insert(place, new)
    for seq, line in enumerate(lines, start=1):
        line["seq"] = seq
    new["hash"] = entry_hash(new)
    # It fits the line before; the next one, or at the end the seal, does not fit it.
    return lines, place + 2 if place + 2 < len(lines) else place + 1


def _appended(lines: Lines, place: int) -> tuple[Lines, int]:
    new = {**lines[place], "seq": len(lines) + 1, "previous_hash": lines[-1]["hash"]}
    new["hash"] = entry_hash(new)
    return [*lines, new], len(lines) + 1


def _put_before_the_first(lines: Lines, place: int) -> tuple[Lines, int]:
    return [{**lines[place], "seq": -place}, *lines], 1


def _cut_off(lines: Lines, place: int) -> tuple[Lines, int]:
    return lines[:place], place + 1


def _rewritten_from_here(lines: Lines, place: int) -> tuple[Lines, int]:
    lines[place]["actor"] = "mallory"
    for before, line in zip([None, *lines], lines, strict=False):
        if before is not None and line["seq"] > place + 1:
            line["previous_hash"] = before["hash"]
        line["hash"] = entry_hash(line)
    # Every hash fits again: only the seal knows, and it knows of the end.
    return lines, len(lines)


_HARMS = [
    _removed,
    _removed_and_closed_up,
    _swapped,
    _duplicated,
    _inserted,
    _appended,
    _put_before_the_first,
    _cut_off,
    _rewritten_from_here,
]


def _alterations() -> st.SearchStrategy[Harm]:
    values = [(column, value) for column, others in _OTHER_VALUES.items() for value in others]
    return st.builds(
        lambda change, again: _altered(*change, with_new_hash=again and change[0] not in ("previous_hash", "hash")),
        st.sampled_from(values),
        st.booleans(),
    )


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Records, Lines]]:
    records = Records(open_engine(migrated(tmp_path_factory.mktemp("harm") / "audit.db")), key=KEY)
    fill(records, LINES)
    switch_off_guard(records.engine)
    yield records, read_lines(records.engine)
    records.close()


@settings(max_examples=150, deadline=None)
@given(harm=st.one_of(st.sampled_from(_HARMS), _alterations()), place=st.integers(0, LINES - 1))
def test_whatever_is_done_to_one_line_is_found(unguarded: tuple[Records, Lines], harm: Harm, place: int) -> None:
    records, original = unguarded
    write_lines(records.engine, original)
    assert verify(records).is_unbroken
    lines, first_wrong = harm([dict(line) for line in original], place)
    write_lines(records.engine, lines)
    check = verify(records)
    assert not check.is_unbroken
    assert check.first_wrong == first_wrong, check.problem
    assert check.problem is not None
    assert str(check.first_wrong) in check.problem


@pytest.mark.parametrize("place", [0, 5, LINES - 1])
@pytest.mark.parametrize("harm", _HARMS, ids=lambda harm: harm.__name__)
def test_it_is_found_in_every_database(any_sealed: Records, harm: Harm, place: int) -> None:
    fill(any_sealed, LINES)
    switch_off_guard(any_sealed.engine)
    lines, first_wrong = harm(read_lines(any_sealed.engine), place)
    write_lines(any_sealed.engine, lines)
    assert verify(any_sealed).first_wrong == first_wrong


@pytest.mark.parametrize(
    "moment", ["no time", "2026-03-04 05:07:07.890123 ", "2026-03-04T05:07:07.890123", "", None, 5]
)
def test_a_time_that_is_written_otherwise_is_found(sealed: Records, moment: Any) -> None:
    fill(sealed, 3)
    switch_off_guard(sealed.engine)
    with sealed.engine.begin() as connection:
        connection.exec_driver_sql("pragma ignore_check_constraints = on")
        connection.exec_driver_sql("update or ignore audit_log set at = ? where seq = 2", (moment,))
        is_changed = connection.exec_driver_sql("select at from audit_log where seq = 2").scalar() == moment
    assert (verify(sealed).first_wrong == 2) is (is_changed or moment == 5)


# The seal.


def test_a_new_line_does_not_cover_a_missing_end(sealed: Records) -> None:
    fill(sealed, 5)
    switch_off_guard(sealed.engine)
    write_lines(sealed.engine, read_lines(sealed.engine)[:3])
    assert (verify(sealed).first_wrong, verify(sealed).problem) == (4, "Lines 4 to 5 are missing at the end.")
    with sealed.begin() as tx:
        tx.audit.add(entry(4, actor="another"))
    assert verify(sealed).problem == "Line 5 is missing at the end."
    fill(sealed, 4, first=5)
    assert verify(sealed).first_wrong == 5
    assert "is not the one that was sealed" in str(verify(sealed).problem)


def test_a_log_that_was_emptied_is_found(sealed: Records) -> None:
    fill(sealed, 3)
    switch_off_guard(sealed.engine)
    write_lines(sealed.engine, [])
    assert verify(sealed).problem == "Lines 1 to 3 are missing at the end."


@pytest.mark.parametrize("text", ["{}", "no seal", '{"seq":3,"hash":"0","mac":"é"}', "[]", None])
def test_a_seal_that_is_not_ours_is_no_seal(sealed: Records, text: str | None) -> None:
    fill(sealed, 3)
    with sealed.begin() as tx:
        if text is None:
            tx.connection.execute(sa.text("delete from notes where key = :key"), {"key": SEAL})
        else:
            tx.notes.put(SEAL, text)
    assert "lines may be missing after line 3" in str(verify(sealed).problem)
    fill(sealed, 1, first=4)
    assert not verify(sealed).is_unbroken


def test_another_key_neither_accepts_the_seal_nor_replaces_it(sealed: Records, sqlite_url: str) -> None:
    fill(sealed, 3)
    other = Records(open_engine(sqlite_url), key=b"another key")
    assert "TRIAGE_SECRET_KEY" in str(verify(other).problem)
    fill(other, 1, first=4)
    other.close()
    assert verify(sealed).problem == "Line 4 was added without the seal: line 3 was sealed as the last."
    with sealed.begin() as tx:
        tx.audit.seal()
    assert verify(sealed).is_unbroken


def test_without_a_key_the_chain_alone_is_checked(sealed: Records, sqlite_url: str) -> None:
    fill(sealed, 3)
    keyless = Records(open_engine(sqlite_url))
    assert (verify(keyless).is_unbroken, verify(keyless).is_sealed) == (True, False)
    keyless.close()


def test_a_line_that_was_noted_elsewhere_has_to_be_there(sealed: Records) -> None:
    fill(sealed, 3)
    third = verify(sealed).head_hash
    fill(sealed, 2, first=4)
    assert verify(sealed, known=(3, third)).is_unbroken
    assert verify(sealed, known=(3, "0" * 64)).first_wrong == 3
    assert verify(sealed, known=(9, third)).first_wrong == 9


def test_what_is_rolled_back_leaves_neither_line_nor_seal(sealed: Records) -> None:
    fill(sealed, 2)

    def fail() -> None:
        with sealed.begin() as tx:
            tx.audit.add(entry(3))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (verify(sealed).is_unbroken, verify(sealed).checked) == (True, 2)


# The guard of the database.


@pytest.mark.parametrize(
    "change",
    [
        "update audit_log set actor = 'mallory' where seq = 2",
        "update audit_log set seq = 9 where seq = 2",
        "delete from audit_log",
        "delete from audit_log where seq = 3",
        "insert into audit_log select 9, at, actor, role, action, 'run', 'r', null, null, hash, hash from audit_log",
    ],
)
def test_the_database_refuses_to_change_the_log(any_sealed: Records, change: str) -> None:
    fill(any_sealed, 3)
    with pytest.raises(DBAPIError, match="only grows"), any_sealed.engine.begin() as connection:
        connection.exec_driver_sql(change)
    assert verify(any_sealed).is_unbroken


def test_sqlite_refuses_to_replace_a_line(sealed: Records) -> None:
    fill(sealed, 3)
    with pytest.raises(DBAPIError, match="only grows"), sealed.engine.begin() as connection:
        connection.execute(sa.insert(audit_log).prefix_with("or replace"), read_lines(sealed.engine)[1])


def test_postgresql_refuses_to_truncate(postgres_url: str) -> None:
    records = Records(open_engine(postgres_url), key=KEY)
    fill(records, 1)
    with pytest.raises(DBAPIError, match="only grows"), records.engine.begin() as connection:
        connection.exec_driver_sql("truncate audit_log")
    records.close()


# Several writers.


def test_two_processes_keep_one_chain(any_sealed: Records) -> None:
    url = any_sealed.engine.url.render_as_string(hide_password=False)
    writers = [
        subprocess.Popen([sys.executable, "-c", APPEND, url, name], cwd=PROJECT, stdin=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    check = verify(any_sealed)
    assert (check.is_unbroken, check.checked) == (True, 80)
    with any_sealed.read() as tx:
        assert {tx.audit.count(AuditFilter(actor=name)) for name in ("one", "two")} == {40}


# Reading.


def test_the_list_is_filtered_and_paged(any_sealed: Records) -> None:
    fill(any_sealed, LINES)

    def listed(**filters: Any) -> list[int]:
        with any_sealed.read() as tx:
            query = AuditFilter(**filters)
            found = [item.seq for item in tx.audit.list(query)]
            assert tx.audit.count(query) == len(found)
        return found

    assert listed() == list(range(1, LINES + 1))
    assert listed(actor="rita") == [2, 4, 6, 8, 10, 12]
    assert listed(actions=("reply.sent",)) == [3, 6, 9, 12]
    assert listed(subject="APR_1") == [1, 10, 11, 12]
    assert listed(subject="%") == []
    assert listed(subject_kind="run") == []
    assert listed(since=entry(3).at, until=entry(6).at) == [3, 4, 5]
    with any_sealed.read() as tx:
        assert [item.seq for item in tx.audit.list(newest_first=True, limit=3, offset=2)] == [10, 9, 8]
        assert [item.seq for item in tx.audit.list(after=4, limit=2)] == [5, 6]
        assert tx.audit.words("actor") == ["kim", "rita"]
