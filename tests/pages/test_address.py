"""What a person chose stands against what the browser asked for before it knew."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.components import address


def draw() -> None:
    import streamlit as st

    from pages.components import address, held

    def choose() -> None:
        address.choose("of", "b")

    def take() -> None:
        st.session_state.taken = held.value_in("rows")
        address.choose("of", held.value_in("rows"))

    address.enter(st.session_state.get("page", "here"))
    st.button("Choose", key="choose", on_click=choose)
    chosen = address.chosen("of")
    st.text(str(chosen))
    st.radio("Rows", ["a", "b", "c"], key=held.key_of("rows", chosen), index=None, on_change=take)


@pytest.fixture
def page() -> AppTest:
    page = AppTest.from_function(draw)
    page.query_params["of"] = "a"
    return page.run()


def address_says(page: AppTest, value: str) -> AppTest:
    page.query_params["of"] = value
    return page.run()


def test_a_look_with_the_address_from_before_takes_nothing_back(page: AppTest) -> None:
    page.button("choose").click().run()
    address_says(page, "a")
    assert page.text[0].value == "b"
    assert page.query_params["of"] == "b"


def test_an_address_that_was_never_chosen_is_followed(page: AppTest) -> None:
    page.button("choose").click().run()
    assert address_says(page, "c").text[0].value == "c"


def test_going_back_is_followed(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    page.button("choose").click().run()
    monkeypatch.setattr(address, "_went_back", lambda: True)
    assert address_says(page, "a").text[0].value == "a"


def test_a_page_that_is_opened_again_shows_what_its_address_says(page: AppTest) -> None:
    page.button("choose").click().run()
    page.session_state["page"] = "elsewhere"
    assert address_says(page, "a").text[0].value == "a"


def test_a_widget_from_before_a_choice_made_elsewhere_takes_nothing_back(page: AppTest) -> None:
    before = page.radio[0]
    assert before.value == "a"
    page.button("choose").click().run()
    assert page.radio[0].value == "b"
    assert page.radio[0].key != before.key
    page.radio[0].set_value("c").run()
    assert page.text[0].value == "c"
    assert page.radio[0].key != before.key


def test_a_choice_in_the_widget_keeps_the_widget(page: AppTest) -> None:
    key = page.radio[0].key
    page.radio[0].set_value("c").run()
    assert (page.radio[0].key, page.radio[0].value, page.session_state["taken"]) == (key, "c", "c")
