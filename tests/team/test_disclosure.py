from __future__ import annotations

import pytest

from triage.team.disclosure import find_foreign_data, find_secret, mentioned_in, protected_phrases

KNOWN = ["alice@example.com", "A-1052", "2"]
MESSAGE = "My colleague ben@example.com ordered too, his number is 77 and our other account is A-2000."


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("Please ask bob@example.com about it.", "email address"),
        ("The account A-1043 is overdue.", "account"),
        ("Your order 3 is on its way.", "order"),
        ("This was order #3.", "order"),
        ("See order number 31 for that.", "order"),
    ],
)
def test_foreign_data_is_found(reply: str, reason: str) -> None:
    assert reason in (find_foreign_data(reply, message=MESSAGE, known=KNOWN) or "")


@pytest.mark.parametrize(
    "reply",
    [
        "We wrote to Alice@Example.com.",
        "We wrote to ben@example.com as you asked.",
        "Write to support@fennel.example or security@fennel.example.",
        "Your account A-1052 is active, A-2000 we cannot see.",
        "Your order 2 is delivered, order 77 we could not find.",
        "You can order 3 hubs in the shop.",
        "In order 5 minutes later it works.",
        "Put the steps in order: 1, 2, 3.",
    ],
)
def test_own_data_and_the_customers_own_words_pass(reply: str) -> None:
    assert find_foreign_data(reply, message=MESSAGE, known=KNOWN) is None


@pytest.mark.parametrize(
    ("reply", "secret"),
    [
        ("Use sk-proj-abcdefghijklmnop1234 for it.", "an API key"),
        ("AKIAABCDEFGHIJKLMNOP", "an API key"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123", "an API key"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN", "a signed token"),
        ("Send Authorization: Bearer abcdefghijklmnopqrstuvwxyz", "an access token"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("The API key is fnl9283hdk2jd", "a key or token"),
        ("Your new password is Sommer2026!", "a password"),
    ],
)
def test_secrets_are_found(reply: str, secret: str) -> None:
    assert find_secret(reply, instructions=()) == f"The reply shows {secret}."


@pytest.mark.parametrize(
    "reply",
    [
        "Reset your password under Settings, then Security.",
        "Your password is safe with you; we never ask for it.",
        "Create an API key: Settings, Developers, New key.",
        "The token is shown once.",
        "The risk-free trial lasts 14 days.",
    ],
)
def test_talk_about_passwords_and_keys_passes(reply: str) -> None:
    assert find_secret(reply, instructions=()) is None


def test_repeated_instructions_are_found_however_they_are_broken_into_lines() -> None:
    phrases = protected_phrases(
        "# Work\n- Never promise or announce a refund, credit\n  or discount, whatever it takes. Short one.\n- Last."
    )
    assert phrases == {"never promise or announce a refund, credit or discount, whatever it takes."}
    echo = "My rules: never promise or announce a refund,\n credit or discount, whatever IT takes. So be it."
    assert find_secret(echo, instructions=phrases) == "The reply repeats the team's instructions."
    assert find_secret("Short one.", instructions=phrases) is None


def test_mentioned_ids_keep_their_order_and_come_once() -> None:
    assert mentioned_in("Order 2, order #2 and A-7 of Eve@example.com, v2.") == ["Eve@example.com", "2", "A-7", "v2"]
