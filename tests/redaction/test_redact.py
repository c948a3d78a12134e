"""What is taken out of text, and what looks alike and stays."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.redaction.redact import find_personal, redact, redact_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to Zoë.Müller+shop@post.büro.example, please", "write to [e-mail], please"),
        ("card 4111 1111 1111 1111 expires 12/27", "card [card] expires 12/27"),
        ("card 5500-0000-0000-0004.", "card [card]."),
        ("IBAN DE89 3704 0044 0532 0130 00 for the refund", "IBAN [iban] for the refund"),
        ("IBAN NO93 8601 1117 947 from Oslo", "IBAN [iban] from Oslo"),
        ("card 4111 1111 1111 1111 12 27", "card [card] 12 27"),
        ("iban gb82west12345698765432", "iban [iban]"),
        ("from 203.0.113.7 and 2001:db8::8a2e:370:7334", "from [ip] and [ip]"),
        ("call +49 (30) 901820-15 today", "call [phone] today"),
        ("call (555) 010-9999x12", "call [phone]"),
        ("my SSN is 078-05-1120", "my SSN is [national id]"),
        ("key sk-proj-abcdefghijklmnop1234 leaked", "key [secret] leaked"),
        ("Authorization: Bearer abcdefghijklmnop.qrst", "Authorization: Bearer [secret]"),
        ("AKIAABCDEFGHIJKLMNOP", "[secret]"),
        ("SG." + "aB3" * 7 + "d." + "xY9" * 14 + "z sent", "[secret] sent"),
        ("postgresql://desk:s3cr3t-word@db.internal/x", "postgresql://desk:[secret]@db.internal/x"),
        ("my password is hunter2!x, help", "my password is [secret], help"),
        ("API_KEY=9f86d081884c7d65", "API_KEY=[secret]"),
        ("call me at 07700900123", "call me at [phone]"),
        ("+49 (0)30 901820 or 0044 20 7946 0958", "[phone] or [phone]"),
        ("DNI 12345678Z", "DNI [national id]"),
        ("codice fiscale RSSMRA85T10A562S", "codice fiscale [national id]"),
        ("NINO AB 12 34 56 C", "NINO [national id]"),
        ("my BSN is 111222333", "my BSN is [national id]"),
        ("CPF 390.533.447-05", "CPF [national id]"),
        ("personnummer 811228-9874", "personnummer [national id]"),
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
        "order number 48213377 and tracking FNL-48213377",
        "conv_9f86d081884c and run_1234567890123456",
        "totals $1,234.56, 1.234.567 and 12 345 678 EUR",
        "firmware 10.20.30.40 listens on 127.0.0.1",
        "she lives at 3747 3911 Fourth Avenue",
        "std::vector and C::d",
        "the secret is patience, the password is unknown",
        "111222333 has a right check digit and no name",
        "DE89 is a plate, @home is a word",
    ],
)
def test_what_looks_alike_stays(text: str) -> None:
    assert redact_text(text) == text


def test_ids_stay_under_their_names_and_secrets_go_under_theirs() -> None:
    value = {
        "order_id": "4111111111111111",
        "customer_id": "kim@example.org",
        "password": "abc",
        "Authorization": "Basic x",
        "phone": 442079460958,
        "input_tokens": 442079460958,
        "total_usd": "1234567.00",
    }
    assert redact(value) == {
        "order_id": "4111111111111111",
        "customer_id": "[e-mail]",
        "password": "[secret]",
        "Authorization": "[secret]",
        "phone": "[phone]",
        "input_tokens": 442079460958,
        "total_usd": "1234567.00",
    }


def test_json_in_a_string_stays_json() -> None:
    text = json.dumps({"id": "A-1042", "email": "kim@example.org", "note": "call 555-010-9999", "amount": 79.99})
    assert json.loads(redact_text(text)) == {
        "id": "A-1042",
        "email": "[e-mail]",
        "note": "call [phone]",
        "amount": 79.99,
    }


def test_what_was_replaced_is_not_replaced_again() -> None:
    once = redact_text("kim@example.org, 4111 1111 1111 1111, 203.0.113.7")
    assert redact_text(once) == once == "[e-mail], [card], [ip]"


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_no_text_breaks_it_and_places_do_not_overlap(text: str) -> None:
    places = find_personal(text)
    assert all(one.end <= other.start for one, other in pairwise(places))
    assert redact_text(text) == text or places


def test_every_string_inside_is_looked_at() -> None:
    value = {"a@b.example": ["c@d.example", {"deep": "e@f.example"}, 3, None, True]}
    assert redact(value) == {"[e-mail]": ["[e-mail]", {"deep": "[e-mail]"}, 3, None, True]}
