from __future__ import annotations

import pytest

from triage.team.promises import find_billing_promise

NAMES_AN_AMOUNT = "names an amount"
PROMISES = "promises"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("We will refund you.", PROMISES),
        ("We'll gladly refund the duplicate charge.", PROMISES),
        ("We\N{RIGHT SINGLE QUOTATION MARK}ll refund you.", PROMISES),
        ("I can credit your account.", PROMISES),
        ("We have issued a full refund.", PROMISES),
        ("We've already processed your refund today.", PROMISES),
        ("You will receive a refund within five days.", PROMISES),
        ("You'll get your money back.", PROMISES),
        ("You will be reimbursed.", PROMISES),
        ("Your refund has been approved.", PROMISES),
        ("Your\nrefund  is on its way.", PROMISES),
        ("We guarantee that this never happens again.", PROMISES),
        ("Wir werden Ihnen den Betrag erstatten.", PROMISES),
        ("Sie erhalten eine Gutschrift.", PROMISES),
        ("Nous vous rembourserons.", PROMISES),
        ("Le reembolsaremos mañana.", PROMISES),
        ("The refund comes to $29.00.", NAMES_AN_AMOUNT),
        ("A credit of 15 euros is possible.", NAMES_AN_AMOUNT),
        ("If you like, we refund EUR 10.", NAMES_AN_AMOUNT),
        ("Die Gutschrift beträgt 168,00 EUR.", NAMES_AN_AMOUNT),
        ("If it is approved, you will get a refund of $5.", NAMES_AN_AMOUNT),
    ],
)
def test_promises_are_found(reply: str, reason: str) -> None:
    assert reason in (find_billing_promise(f"Hello Dana. {reply} Kind regards") or "")


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "The billing team decides about refunds and will tell you.",
        "We cannot refund this order, because it is still processing.",
        "We will look at your refund request.",
        "We have received your refund request.",
        "Hardware can be returned within 30 days.",
        "Once the billing team has approved it, you will receive a refund.",
        "Your invoice of $168.00 was paid by credit card on 3 May.",
        "The plan costs $12 per seat. Refunds are decided by people.",
        "You will see a credit card field on the next page.",
        "Wir prüfen, ob eine Erstattung möglich ist.",
    ],
)
def test_ordinary_sentences_pass(reply: str) -> None:
    assert find_billing_promise(reply) is None


def test_the_customers_own_amount_may_be_restated_but_not_promised() -> None:
    message = "I want a refund of $29, not of $1,299.50!"
    assert find_billing_promise("You asked for a refund of $29.00; people look at it.", message=message) is None
    assert find_billing_promise("You asked for a refund of 1.299,50 EUR; people look.", message=message) is None
    assert find_billing_promise("You asked for a refund of $30; people look at it.", message=message)
    assert find_billing_promise("As you asked, we will refund $29.", message=message)
    assert find_billing_promise("The refund is $29.", message=message)


def test_a_refund_that_was_made_may_be_confirmed_with_its_exact_amount() -> None:
    made = {"2": "69.98"}
    assert find_billing_promise("Your refund has been processed.", refunds=made) is None
    assert find_billing_promise("Your refund of $69.98 has been processed.", refunds=made) is None
    assert find_billing_promise("Your refund of $79.98 has been processed.", refunds=made)


@pytest.mark.parametrize(
    "reply",
    [
        "Your refund for order 2 has been processed.",
        "We have issued a full refund for order #2.",
        "We've now made the refund of $69.98 to your credit card.",
        "You have been refunded.",
        "Your refund is on its way, and you will see the refund on your statement within ten days.",
        "You'll get your money back on the card you paid with.",
        "Sie erhalten Ihre Rückerstattung in einigen Tagen.",
    ],
)
def test_the_refund_that_was_made_may_be_stated_and_no_other_one(reply: str) -> None:
    assert find_billing_promise(reply, refunds={"2": "69.98"}) is None
    assert find_billing_promise(reply)
    assert find_billing_promise(reply, refunds={"14": "12.00", "A-9": "3.00"}) or "2" not in reply


@pytest.mark.parametrize(
    "reply",
    [
        "We will refund you.",
        "We'll also refund the shipping.",
        "We will refund a further $69.98.",
        "Your refund has been processed and we will refund the shipping costs.",
        "Your refund has been processed and will refund order 3 tomorrow.",
        "We have processed your refund and you will receive another refund soon.",
        "We have issued a refund for order 7.",
        "Your refund has been processed, and your account credit has been approved.",
        "We have given you a credit.",
        "You will receive a discount on your next order.",
        "You will receive a refund for your subscription.",
        "You will be compensated for the trouble.",
        "Your second refund has been approved.",
        "We guarantee a refund if it breaks a second time.",
        "Wir werden Ihnen auch die Versandkosten erstatten.",
        "Sie erhalten eine Gutschrift.",
    ],
)
def test_after_a_refund_any_further_promise_is_one(reply: str) -> None:
    assert find_billing_promise(f"Hello Dana. {reply} Kind regards", refunds={"2": "69.98"})


def test_no_article_of_ours_reads_like_a_promise() -> None:
    from pathlib import Path

    folder = Path(__file__).parents[2] / "knowledge"
    tripped = [path.name for path in folder.glob("*.md") if find_billing_promise(path.read_text())]
    assert tripped == []


@pytest.mark.parametrize("piece", ["1,", "$1", "you will receive ", "we will a", "refund 1,1.", "a "])
def test_long_texts_stay_cheap(piece: str) -> None:
    find_billing_promise(piece * (200_000 // len(piece)))
