"""Importing files of messages."""

from __future__ import annotations

import json

import pytest

from triage.domain import Actor, Run, RunStatus, utc_now
from triage.errors import InvalidInput
from triage.runs.importer import import_messages, read_messages, wrong_lines

DANA = Actor(name="dana")


class Desk:
    """Takes messages like the run service: the same key returns the run that it made."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}

    def submit(
        self, message, *, actor, customer_email=None, account_id=None, conversation_id=None, idempotency_key=None
    ):
        if account_id == "A-0":
            raise InvalidInput("There is no account A-0. Check the id, or leave it empty.")
        if idempotency_key not in self.runs:
            now = utc_now()
            self.runs[idempotency_key] = Run(
                id=f"run_{len(self.runs)}",
                conversation_id=conversation_id or "conv",
                message_id="msg",
                status=RunStatus.QUEUED,
                message=message,
                customer_email=customer_email,
                account_id=account_id,
                submitted_by=actor.name,
                trace_id="trace",
                created_at=now,
                updated_at=now,
            )
        return self.runs[idempotency_key]


def test_csv_is_read_with_quotes_blank_lines_and_lines_that_are_short():
    content = b'message,email,account\n"My invoice,\nis ""wrong""",Dana@Example.com,A-1042\n\nHello\n'
    parsed = read_messages(content, name="mails.CSV")
    assert not parsed.errors
    first, second = parsed.rows
    assert (first.line, first.message) == (2, 'My invoice,\nis "wrong"')
    assert (first.email, first.account, first.conversation) == ("dana@example.com", "A-1042", None)
    assert (second.line, second.message, second.email) == (5, "Hello", None)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfmessage;email\r\nHello, you;a@b.example\r\n",
        b"MESSAGE\temail\nHello, you\ta@b.example",
        b'email,message\r a@b.example ,"Hello, you"\r',
    ],
)
def test_spreadsheet_dialects_are_understood(content):
    (row,) = read_messages(content, name="x.csv").rows
    assert (row.message, row.email) == ("Hello, you", "a@b.example")


def test_jsonl_is_read():
    lines = [{"message": "One", "email": None}, {"message": "Two\u2028lines", "conversation": "conv_1"}]
    content = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    parsed = read_messages(content, name="x.jsonl")
    assert [(row.line, row.message, row.conversation) for row in parsed.rows] == [
        (1, "One", None),
        (2, "Two\u2028lines", "conv_1"),
    ]


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"message\nx", "x.xlsx", "must end in .csv or .jsonl"),
        (b"", "x.csv", "holds no messages"),
        (b"message\n\n", "x.csv", "holds no messages"),
        (b"\n \n", "x.jsonl", "holds no messages"),
        ("message\nx".encode("utf-16"), "x.csv", "UTF-16"),
        (b"message\nfine\ncaf\xe9\n", "x.csv", "line 3 has the byte 0xE9 at position 16 "),
        (b"\xef\xbb\xbfmessage\ncaf\xe9\n", "x.csv", "line 2 has the byte 0xE9 at position 14 "),
        (b"message\na\x00b", "x.csv", "line 2 holds a zero byte"),
        (b"text,email\nx,y", "x.csv", "with one called message"),
        (b"message,phone\nx,1", "x.csv", "1 columns that are not known"),
        (b"message,message\nx,y", "x.csv", "names a column twice"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(content, name, sentence):
    with pytest.raises(InvalidInput) as caught:
        read_messages(content, name=name)
    assert sentence in str(caught.value)


def test_a_wrong_csv_line_keeps_no_good_one_out():
    content = "\n".join(
        [
            "message,email",
            "good 1,a@b.example",
            "bad,not an address",
            'never "closed",x',
            '"open quote,a@b.example',
            "good 2,",
            "too,many,values",
            ",a@b.example",
            "x" * 20_001,
            '"good\n3",',
            "x" * 200_000,
        ]
    ).encode()
    parsed = read_messages(content, name="x.csv")
    assert [row.message for row in parsed.rows] == ["good 1", "good 2", "good\n3"]
    said = {error.line: error.sentence for error in parsed.errors}
    assert sorted(said) == [3, 4, 5, 7, 8, 9, 12]
    assert "e-mail address" in said[3]
    assert "not closed" in said[5]
    assert "3 values for 2 columns" in said[7]
    assert "empty" in said[8]
    assert "20,001 characters" in said[9]
    assert "far too long, at most 20,000 characters" in said[12]


def test_a_wrong_jsonl_line_keeps_no_good_one_out():
    lines = ['{"message": "good"}', "{broken", "[1]", '{"message": 5}', '{"message": "x", "tel": "1"}', "[" * 100_000]
    parsed = read_messages("\n".join(lines).encode(), name="x.jsonl")
    assert [row.message for row in parsed.rows] == ["good"]
    assert [error.line for error in parsed.errors] == [2, 3, 4, 5, 6]


def test_the_same_file_again_adds_nothing_and_equal_lines_of_one_file_are_two_messages():
    desk = Desk()
    parsed = read_messages(b"message\nHello\nHello\n", name="x.csv")
    seen: list[tuple[int, int]] = []
    report = import_messages(desk, parsed, actor=DANA, on_progress=lambda done, of: seen.append((done, of)))
    assert (report.accepted, report.already_there, report.errors) == (2, 0, [])
    assert seen == [(1, 2), (2, 2)]
    again = import_messages(desk, parsed, actor=DANA)
    assert (again.accepted, again.already_there) == (0, 2)
    assert len(desk.runs) == 2


def test_what_the_desk_refuses_is_reported_beside_what_could_not_be_read():
    parsed = read_messages(b"message,account\nHi,A-0\n,A-1\nHello,A-1\n", name="x.csv")
    report = import_messages(Desk(), parsed, actor=DANA)
    assert (report.accepted, report.already_there) == (1, 0)
    assert [error.line for error in report.errors] == [2, 3]
    assert "no account A-0" in report.errors[0].sentence


def test_the_wrong_lines_come_back_as_a_file_that_can_be_mended_and_imported():
    parsed = read_messages(b'message;email\nfine;\n"two\nlines";nobody\n', name="x.csv")
    wrong = wrong_lines(parsed, parsed.errors)
    assert wrong == b'message;email\n"two\nlines";nobody\n'
    mended = read_messages(wrong.replace(b"nobody", b"a@b.example"), name="x.csv")
    assert [row.message for row in mended.rows] == ["two\nlines"]
