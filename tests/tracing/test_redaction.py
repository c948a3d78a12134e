"""What is taken out of text, and what looks alike and stays."""

from __future__ import annotations

import pytest

from triage.tracing.redaction import redact, redact_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to Zoë.Müller+shop@post.büro.example, please", "write to [email], please"),
        ("card 4111 1111 1111 1111 expires 12/27", "card [card] expires 12/27"),
        ("card 5500-0000-0000-0004.", "card [card]."),
        ("IBAN DE89 3704 0044 0532 0130 00 for the refund", "IBAN [iban] for the refund"),
        ("IBAN NO93 8601 1117 947 from Oslo", "IBAN [iban] from Oslo"),
        ("card 4111 1111 1111 1111 12 27", "card [card] 12 27"),
        ("iban gb82west12345698765432", "iban [iban]"),
        ("from 203.0.113.7 and 2001:db8::8a2e:370:7334", "from [ip] and [ip]"),
        ("call +49 (30) 901820-15 today", "call [phone] today"),
        ("call (555) 010-9999x12", "call [phone]"),
        ("my SSN is 078-05-1120", "my SSN is [ssn]"),
        ("key sk-proj-abcdefghijklmnop1234 leaked", "key [secret] leaked"),
        ("Authorization: Bearer abcdefghijklmnop.qrst", "Authorization: Bearer [secret]"),
        ("AKIAABCDEFGHIJKLMNOP", "[secret]"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nthanks", "[secret]\nthanks"),
    ],
)
def test_personal_values_and_secrets_go(text: str, expected: str) -> None:
    assert redact_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "order 2 of 2026-03-04, 14:05:06, cost 1,234.56 dollars",
        "version 10.4.2 and ticket 4711",
        "card number 4111 1111 1111 1112 fails the check",
        "call_8f14e45fceea167a5a36dedd4bea2543",
        "12:30:45 o'clock",
        "error 0x7f3a9c and code 500",
        "DE89 is a plate, @home is a word",
    ],
)
def test_what_looks_alike_stays(text: str) -> None:
    assert redact_text(text) == text


def test_every_string_inside_is_looked_at() -> None:
    value = {"a@b.example": ["c@d.example", {"deep": "e@f.example"}, 3, None, True]}
    assert redact(value) == {"[email]": ["[email]", {"deep": "[email]"}, 3, None, True]}
