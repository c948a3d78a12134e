"""The knowledge base finds the article that a person would have picked, and refuses a folder that it cannot read."""

from __future__ import annotations

import re
import shutil
import threading
from datetime import date
from pathlib import Path

import pytest

from triage.errors import NotFound, SettingsError
from triage.settings import PROJECT_DIR
from triage.team.article_text import MAX_EXCERPT, first_heading, plain, sentences, terms
from triage.team.knowledge import LONGEST_QUERY, KnowledgeBase

SECTIONS = {
    "Account",
    "Apps",
    "Automations and API",
    "Billing",
    "Getting started",
    "Orders and returns",
    "Projects",
    "Security",
    "Status and incidents",
}

QUESTIONS = [
    ("My invoices aren't generating since yesterday and we have a client audit tomorrow", "invoices-not-generating"),
    ("All our data is gone after the update, every project is empty", "projects-empty-after-update"),
    ("I want to return order 2, the hub stopped working", "return-hardware"),
    ("The USB hub isn't detected by my laptop", "usb-c-hub-not-recognised"),
    ("I was billed two times this month, please check", "duplicate-charge"),
    ("Our credit card was declined and the workspace shows a yellow bar", "failed-payment"),
    ("How do I add one more user to our plan?", "add-or-remove-seats"),
    ("We would like to downgrade to a cheaper plan", "change-plan"),
    ("please cancel my subscription at the end of the month", "cancel-subscription"),
    ("Can I get my money back for the yearly plan?", "refund-policy-subscriptions"),
    ("Our VAT number was rejected", "tax-id-and-vat"),
    ("I can't log in anymore, it says too many attempts", "login-problems"),
    ("forgot my password and the reset link does not arrive", "reset-password"),
    ("Lost my phone with the authenticator app", "two-factor-lost"),
    ("Somebody from another country logged into our account!!", "suspicious-sign-in"),
    ("How do we set up SAML single sign-on with our identity provider?", "sso-setup"),
    ("the auditor asks for the audit log of the last months", "audit-log-and-audit-preparation"),
    ("In which country is our data stored?", "data-residency"),
    ("Please delete all my personal information, GDPR", "personal-data-export-and-deletion"),
    ("CSV file only has 10000 rows but there are more cards", "export-csv-row-limit"),
    ("Board takes forever to load since we have thousands of cards", "slow-boards"),
    ("restore yesterday's backup of our workspace", "restore-workspace-backup"),
    ("I deleted a card by accident, can I undo it?", "recover-deleted-cards"),
    ("API answers 429 Too Many Requests", "api-rate-limits"),
    ("our webhook endpoint gets no events", "webhooks"),
    ("the automation rule does not trigger", "automations-not-firing"),
    ("phone and laptop show different things, sync is stuck", "sync-problems"),
    ("can I use the mobile app on a plane without internet", "mobile-offline-mode"),
    ("no push notifications on my phone", "notifications"),
    ("subscribe to due dates in my calendar", "calendar-integration"),
    ("is fennel down right now?", "report-an-outage"),
    ("what do the incident levels on the status page mean", "status-page-and-incident-levels"),
    ("It would be great if Fennel had a dark theme, is it on the roadmap?", "feature-requests-and-roadmap"),
    ("I want to speak to a human, when are you open?", "contact-support"),
    ("where is my parcel, tracking shows nothing", "late-delivery"),
    ("How long does delivery take?", "track-your-order"),
    ("The webcam arrived with a cracked lens, it is broken", "damaged-or-defective-device"),
    ("Cancel my order, it is still processing", "cancel-order"),
    ("I moved, please change the delivery address of my order", "change-delivery-address"),
    ("keyboard won't pair with bluetooth", "wireless-keyboard-pairing"),
    ("is the desk lamp still under warranty after a year", "warranty"),
    ("How do I invite a client as guest?", "guest-access"),
    ("who may change permissions and roles", "team-roles-and-permissions"),
    ("we want to move our boards from another tool", "import-from-other-tools"),
]


@pytest.fixture(scope="module")
def knowledge() -> KnowledgeBase:
    return KnowledgeBase.load(PROJECT_DIR / "knowledge")


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("question", "expected"), QUESTIONS, ids=[expected for _, expected in QUESTIONS])
def test_question_finds_its_article_in_the_first_three(knowledge: KnowledgeBase, question: str, expected: str) -> None:
    assert expected in [passage.article_id for passage in knowledge.search(question, 3)]


def test_most_questions_find_their_article_first(knowledge: KnowledgeBase) -> None:
    first = sum(knowledge.search(question, 1)[0].article_id == expected for question, expected in QUESTIONS)
    assert first >= 0.8 * len(QUESTIONS)


class TestOurArticles:
    def test_there_are_enough_and_each_names_its_place(self, knowledge: KnowledgeBase) -> None:
        assert len(knowledge.articles) >= 44
        for article in knowledge.articles:
            assert article.url == f"https://help.fennel.example/{article.id}"
            assert article.section in SECTIONS
            assert article.updated is not None

    def test_file_names_are_the_ids(self, knowledge: KnowledgeBase) -> None:
        assert {path.stem for path in (PROJECT_DIR / "knowledge").glob("*.md")} == {a.id for a in knowledge.articles}

    def test_titles_are_unique(self, knowledge: KnowledgeBase) -> None:
        titles = [article.title for article in knowledge.articles]
        assert sorted(set(titles)) == sorted(titles)

    def test_lengths_are_those_of_an_article(self, knowledge: KnowledgeBase) -> None:
        lengths = {article.id: len(article.body.split()) for article in knowledge.articles}
        assert {name: words for name, words in lengths.items() if not 120 <= words <= 300} == {}

    def test_references_name_existing_articles(self, knowledge: KnowledgeBase) -> None:
        titles = {article.title for article in knowledge.articles}
        pattern = re.compile(r"[Ss]ee ([A-Z][^.;]*)[.;]|described in ([A-Z][^.;]*)[.;]")
        named = {one or two for article in knowledge.articles for one, two in pattern.findall(article.body)}
        assert named
        assert named <= titles

    def test_addresses_stay_within_the_invented_company(self, knowledge: KnowledgeBase) -> None:
        text = "\n".join(article.body for article in knowledge.articles)
        hosts = re.findall(r"https?://([^/\s]+)", text) + re.findall(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)", text)
        assert hosts
        assert {host for host in hosts if not host.rstrip(".,;").endswith("fennel.example")} == set()

    def test_no_article_says_that_money_comes_back(self, knowledge: KnowledgeBase) -> None:
        promise = re.compile(
            r"(we|you) (will|shall) (refund|get|receive|be refunded)[^.]*(refund|money)|full refund", re.IGNORECASE
        )
        assert [article.id for article in knowledge.articles if promise.search(article.body)] == []


class TestExcerpts:
    @pytest.mark.parametrize("question", [question for question, _ in QUESTIONS])
    def test_excerpt_is_short_plain_whole_sentences_of_the_article(
        self, knowledge: KnowledgeBase, question: str
    ) -> None:
        for passage in knowledge.search(question, 5):
            texts = [sentence.text for sentence in sentences(knowledge.get(passage.article_id).body)]
            runs = {" ".join(texts[i:j]) for i in range(len(texts)) for j in range(i + 1, len(texts) + 1)}
            assert passage.excerpt in runs
            assert 0 < len(passage.excerpt) <= MAX_EXCERPT
            assert passage.excerpt[-1] in ".!?:"
            assert not re.search(r"\*\*|^#|\n|\]\(|^\d\. ", passage.excerpt)

    def test_excerpt_is_the_part_that_answers(self, knowledge: KnowledgeBase) -> None:
        passage = knowledge.search("storage binding of our own bucket not connected, projects empty", 1)[0]
        assert passage.article_id == "projects-empty-after-update"
        assert "press Reconnect" in passage.excerpt

    def test_markdown_becomes_plain_text(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            "a.md",
            '# Printing\n\n> **Press** [Print](https://x.example/p "t") in `File` \\*now\\*.\n\n'
            "- first _item_\n- second item\n\n| Key | Use |\n|---|---|\n| P | print |\n\n"
            "```\nrm -rf printing\n```\n<!-- printing note -->\n![a printer](p.png) <https://x.example> 3 > 2.\n",
        )
        excerpt = KnowledgeBase.load(tmp_path).search("printing")[0].excerpt
        assert excerpt == (
            "Press Print in File *now*. first item. second item. Key: P, Use: print. a printer https://x.example 3 > 2."
        )

    def test_bold_words_that_open_an_item_are_no_sentence_of_their_own(self) -> None:
        parts = [
            sentence.text for sentence in sentences("4. **Filters.** Clear them.\n5. **Status page.** Look there.\n")
        ]
        assert parts == ["Filters: Clear them.", "Status page: Look there."]

    def test_menu_paths_and_products_survive(self) -> None:
        assert plain("Open Settings > Billing > Plan, press Ctrl+Z and 2 * 3 * 4 or snake_case_name") == (
            "Open Settings > Billing > Plan, press Ctrl+Z and 2 * 3 * 4 or snake_case_name"
        )

    def test_one_endless_sentence_is_cut_at_a_word(self, tmp_path: Path) -> None:
        write(tmp_path, "long.md", "# Long\n\n" + "printer " * 200)
        excerpt = KnowledgeBase.load(tmp_path).search("printer")[0].excerpt
        assert len(excerpt) <= MAX_EXCERPT
        assert excerpt.endswith("printer…")

    def test_article_without_text_answers_with_its_title(self, tmp_path: Path) -> None:
        write(tmp_path, "empty.md", "---\ntitle: Printer manual\n---\n")
        assert KnowledgeBase.load(tmp_path).search("printer")[0].excerpt == "Printer manual"

    def test_excerpt_does_not_end_with_an_announcement(self) -> None:
        parts = [sentence.text for sentence in sentences("Turn it on. Then do this:\n\n- Wait.\n")]
        assert parts == ["Turn it on. Then do this:", "Wait."]


class TestSearch:
    def test_results_are_ordered_and_repeatable(self, knowledge: KnowledgeBase, tmp_path: Path) -> None:
        hits = knowledge.search("export data of a project", 10)
        assert len(hits) == 10
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        copied = Path(shutil.copytree(PROJECT_DIR / "knowledge", tmp_path / "copied"))
        assert KnowledgeBase.load(copied).search("export data of a project", 10) == hits

    def test_equal_scores_come_in_the_order_of_ids(self, tmp_path: Path) -> None:
        for name in ("c", "a", "b"):
            write(tmp_path, f"{name}.md", "---\ntitle: Printer\nsection: S\n---\nPaper.")
        assert [hit.article_id for hit in KnowledgeBase.load(tmp_path).search("printer")] == ["a", "b", "c"]

    def test_title_counts_more_than_the_body(self, tmp_path: Path) -> None:
        write(tmp_path, "one.md", "# Scanner\n\nThe printer stands beside the scanner.")
        write(tmp_path, "two.md", "# Printer\n\nThe scanner stands beside the printer.")
        assert KnowledgeBase.load(tmp_path).search("printer")[0].article_id == "two"

    @pytest.mark.parametrize("query", ["", "   \n", "the and of my", "?!… 🙂", "xqzzyv", "\x00\x07", "a b c"])
    def test_nothing_to_look_for_finds_nothing(self, knowledge: KnowledgeBase, query: str) -> None:
        assert knowledge.search(query) == []

    @pytest.mark.parametrize("max_results", [0, -1])
    def test_no_results_wanted(self, knowledge: KnowledgeBase, max_results: int) -> None:
        assert knowledge.search("invoice", max_results) == []

    @pytest.mark.parametrize("max_results", [1, 3, 1000])
    def test_at_most_as_many_as_wanted(self, knowledge: KnowledgeBase, max_results: int) -> None:
        assert 1 <= len(knowledge.search("invoice", max_results)) <= max_results

    def test_a_very_long_query_is_read_as_far_as_the_limit(self, knowledge: KnowledgeBase) -> None:
        start = "My invoices are missing. " * 20
        long = start.ljust(LONGEST_QUERY) + "webhook signature " * 12_000
        assert len(long) > 200_000
        assert knowledge.search(long) == knowledge.search(start)

    @pytest.mark.timeout(20)
    @pytest.mark.parametrize("unit", ["[", "*a", "<a", "_x", "a.b. ", "|-", "\\", "![](", "````"])
    def test_hostile_text_does_not_hang(self, tmp_path: Path, unit: str) -> None:
        write(tmp_path, "a.md", "# Printer\n\n" + unit * (20_000 // len(unit)))
        assert len(KnowledgeBase.load(tmp_path).search("printer " + unit * 50_000)) == 1

    def test_many_threads_read_one_index(self, knowledge: KnowledgeBase) -> None:
        expected = {question: knowledge.search(question) for question, _ in QUESTIONS}
        wrong: list[str] = []

        def ask() -> None:
            wrong.extend(question for question, hits in expected.items() if knowledge.search(question) != hits)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []

    def test_nothing_is_printed_or_logged(
        self, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        write(tmp_path, "a.md", "# Printer\n\nPaper.")
        KnowledgeBase.load(tmp_path).search("printer")
        assert capfd.readouterr() == ("", "")
        assert caplog.records == []


class TestWords:
    def test_words_are_stemmed_folded_and_sifted(self) -> None:
        assert terms("The INVOICES aren\u2019t generated, Zoë!") == [*terms("invoice"), *terms("generating"), "zoe"]

    @pytest.mark.parametrize(
        ("body", "query"),
        [
            ("Das Gerät lässt sich nicht öffnen.", "gerat offnen"),
            ("La facture a été payée deux fois.", "FACTURE PAYÉE"),
            ("ワークスペースの請求書が届きません。設定を開いてください。", "請求書"),
            ("Счёт не приходит.", "счёт"),
            ("ﬁle export fails", "file"),
        ],
    )
    def test_other_languages_are_found(self, tmp_path: Path, body: str, query: str) -> None:
        write(tmp_path, "a.md", f"# Manual\n\n{body}")
        assert [hit.excerpt for hit in KnowledgeBase.load(tmp_path).search(query)] != []

    def test_first_heading_may_be_underlined(self) -> None:
        assert first_heading("---\n\nThe _printer_\n===\n\nText.\n\n# Later\n") == "The printer"

    def test_first_heading_is_not_taken_from_code(self) -> None:
        assert first_heading("```\n# comment\n```\n\n## The *real* one ##\n") == "The real one"


class TestOwnFolder:
    def test_a_plain_file_needs_only_a_heading(self, tmp_path: Path) -> None:
        write(tmp_path, "Printers/Reset Printer.md", "\ufeff# Reset the printer\r\n\r\nHold the button.\r\n")
        [article] = KnowledgeBase.load(tmp_path).articles
        assert article.model_dump() == {
            "id": "printers/reset-printer",
            "title": "Reset the printer",
            "section": "Printers",
            "url": "Printers/Reset Printer.md",
            "updated": None,
            "body": "# Reset the printer\n\nHold the button.",
        }

    def test_front_matter_wins_and_unknown_fields_are_ignored(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            "a.md",
            "---\nid: err-404\ntitle: 404\nsection: Web\nurl: https://x.example/404\nupdated: 2026-02-03\n"
            "tags: [a]\n1: x\n---\n"
            "Not there.\n\n---\n\nReally.",
        )
        article = KnowledgeBase.load(tmp_path).get("err-404")
        assert (article.title, article.section, article.url) == ("404", "Web", "https://x.example/404")
        assert article.updated == date(2026, 2, 3)
        assert article.body.endswith("Really.")

    def test_rules_in_the_text_are_no_front_matter(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md", "# Printer\n\nOne.\n\n---\n\nTwo.\n\n---\n\nThree.")
        assert KnowledgeBase.load(tmp_path).search("printer")[0].excerpt == "One. Two. Three."

    def test_hidden_folders_and_other_files_are_left_out(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md", "# A printer")
        write(tmp_path, ".git/b.md", "# B")
        write(tmp_path, "c.txt", "# C")
        assert [article.id for article in KnowledgeBase.load(tmp_path).articles] == ["a"]

    def test_only_stop_words_can_be_indexed(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md", "# How to\n\nThis and that.")
        knowledge = KnowledgeBase.load(tmp_path)
        assert knowledge.search("how to do this") == []
        assert knowledge.get("a").title == "How to"

    def test_unknown_id(self, knowledge: KnowledgeBase) -> None:
        with pytest.raises(NotFound, match="no article"):
            knowledge.get("no-such-article")


class TestBadFolder:
    def test_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"nowhere.*TRIAGE_KB_DIR"):
            KnowledgeBase.load(tmp_path / "nowhere")

    def test_folder_is_a_file(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"a\.md.*is no folder"):
            KnowledgeBase.load(write(tmp_path, "a.md", "# A"))

    def test_no_articles(self, tmp_path: Path) -> None:
        write(tmp_path, "notes.txt", "nothing")
        with pytest.raises(SettingsError, match="holds no articles"):
            KnowledgeBase.load(tmp_path)

    def test_two_articles_with_one_id(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md", "---\nid: same\n---\n# A")
        write(tmp_path, "b.md", "---\nid: same\n---\n# B")
        with pytest.raises(SettingsError, match=r"a\.md and .*b\.md have the same id 'same'"):
            KnowledgeBase.load(tmp_path)

    def test_not_utf8(self, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_bytes("# Gerät".encode("latin-1"))
        with pytest.raises(SettingsError, match=r"a\.md is not UTF-8"):
            KnowledgeBase.load(tmp_path)

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("---\ntitle: A\nupdated: soon\n---\nText", r"a\.md is wrong: field 'updated'"),
            ("---\ntitle: A\nupdated: 2026-13-45\n---\nText", r"a\.md is not valid YAML: month must be"),
            ("---\ntitle: [a, b]\n---\nText", r"a\.md is wrong: field 'title'"),
            (
                "---\nsection: S\ntitle: Plan: change it\n---\nText",
                r"a\.md is not valid YAML in line 3: mapping values",
            ),
            ("---\ntitle: A\nText without an end", r"a\.md has no end"),
            ("---\njust words\n---\n# A", r"a\.md is no list of fields"),
            ("---\nsection: S\n---\nText", r"a\.md has no title"),
            ("Text only", r"a\.md has no title"),
            ("", r"a\.md has no title"),
        ],
    )
    def test_a_bad_file_is_named_with_its_fault(self, tmp_path: Path, text: str, fault: str) -> None:
        write(tmp_path, "good.md", "# Good")
        write(tmp_path, "a.md", text)
        with pytest.raises(SettingsError, match=fault):
            KnowledgeBase.load(tmp_path)
