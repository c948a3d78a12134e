"""What shows an icon only has a name all the same, which a screen reader says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PAGES = Path(__file__).parents[2] / "pages"
WITH_A_LABEL = {"button", "download_button", "link_button", "menu_button", "popover", "form_submit_button", "expander"}


def labels_in(source: str) -> Iterator[str]:
    """Yield the label of each button where the text begins with it as it stands."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WITH_A_LABEL):
            continue
        given = node.args[:1] or [word.value for word in node.keywords if word.arg == "label"]
        if given and isinstance(given[0], ast.Constant | ast.JoinedStr):
            yield ast.unparse(given[0]).strip("f'\"")


def has_no_name(label: str) -> bool:
    return not label.strip() or (label.startswith(":material/") and label.endswith(":") and " " not in label)


def test_no_button_is_called_by_its_icon() -> None:
    labels = {file.stem: labels_in(file.read_text("utf-8")) for file in PAGES.rglob("*.py")}
    assert "inbox" in labels
    assert not [(name, label) for name, found in labels.items() for label in found if has_no_name(label)]


def test_buttons_without_a_name_are_found() -> None:
    source = 'st.button("", icon="x")\nst.popover(label=f":material/{icon}:")\nst.button("New")\nst.button(heard("A"))'
    assert list(labels_in(source)) == ["", ":material/{icon}:", "New"]
    assert [has_no_name(label) for label in labels_in(source)] == [True, True, False]
