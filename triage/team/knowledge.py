"""The knowledge base: Markdown articles in a folder, searched with BM25.

The index is built once at load and only read afterwards, so one object serves all threads.
"""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from frontmatter.default_handlers import YAMLHandler
from pydantic import BaseModel, ConfigDict, ValidationError

from triage.domain import Value
from triage.errors import NotFound, SettingsError
from triage.team.article_text import MAX_EXCERPT, Sentence, excerpt, first_heading, sentences, terms

LONGEST_QUERY = 10_000
"""Characters of a query that are read; a customer's whole message fits, a pasted log file does not."""

TITLE_WEIGHT = 3
"""How often the words of a title count: a title says what an article is about, its body what else it touches."""

# bm25s cannot index a document without terms, and a title such as "How to" has none. No query can contain this one.
_ANCHOR = "\0"

_FRONT_MATTER = YAMLHandler()


class Article(Value):
    """One article; ``url`` falls back to the path below the folder, ``updated`` to None."""

    id: str
    title: str
    section: str
    url: str
    updated: date | None
    body: str


class Passage(Value):
    """The part of an article that fits a query; ``score`` is the article's BM25 score, higher is better."""

    article_id: str
    title: str
    section: str
    url: str
    excerpt: str
    score: float


class _Fields(BaseModel):
    """What the front matter of an article may say; everything else in it is ignored."""

    model_config = ConfigDict(coerce_numbers_to_str=True, str_strip_whitespace=True)

    id: str | None = None
    title: str | None = None
    section: str | None = None
    url: str | None = None
    updated: date | None = None


class KnowledgeBase:
    """The articles of one folder and their index."""

    def __init__(self, articles: Sequence[Article]) -> None:
        # bm25s brings numpy along (a quarter of a second), which a command without a search need not wait for.
        import bm25s  # noqa: PLC0415

        # Its logger asks for every debug line, whatever level the program has chosen.
        logging.getLogger("bm25s").setLevel(logging.WARNING)
        self._articles = {article.id: article for article in sorted(articles, key=lambda article: article.id)}
        self._sentences: dict[str, list[Sentence]] = {}
        documents = []
        for article in self._articles.values():
            named = terms(article.title) * TITLE_WEIGHT + terms(article.id) + terms(article.section)
            documents.append([_ANCHOR, *named, *terms(article.body)])
        self._weights = _term_weights(documents)
        self._index = bm25s.BM25()
        self._index.index(documents, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> KnowledgeBase:
        """Read every ``.md`` file below ``folder`` and build the index.

        Raises:
            SettingsError: the folder or a file cannot be used; the message names it, the fault and what to do.
        """
        if not folder.is_dir():
            raise SettingsError(
                f"The knowledge base folder {folder} does not exist or is no folder. "
                "Point TRIAGE_KB_DIR at a folder with Markdown articles."
            )
        articles: dict[str, Article] = {}
        origins: dict[str, Path] = {}
        for path in _article_files(folder):
            article = _read_article(path, folder=folder)
            if article.id in articles:
                raise SettingsError(
                    f"The articles {origins[article.id]} and {path} have the same id '{article.id}'. "
                    "Give one of them another id."
                )
            articles[article.id], origins[article.id] = article, path
        if not articles:
            raise SettingsError(
                f"The knowledge base folder {folder} holds no articles. Put Markdown files (.md) into it "
                "or point TRIAGE_KB_DIR at another folder."
            )
        return cls(list(articles.values()))

    @property
    def articles(self) -> list[Article]:
        """All articles, ordered by id."""
        return list(self._articles.values())

    def get(self, article_id: str) -> Article:
        """Return one article.

        Raises:
            NotFound: no article has this id.
        """
        try:
            return self._articles[article_id]
        except KeyError:
            raise NotFound("There is no article with this id. Search the knowledge base for the right one.") from None

    def search(self, query: str, max_results: int = 5) -> list[Passage]:
        """Return the best articles for ``query``, best first, equal ones by id; none when no word of it is known."""
        known = sorted({term for term in terms(query[:LONGEST_QUERY]) if term in self._weights})
        if not known or max_results < 1:
            return []
        scores = [round(float(score), 4) for score in self._index.get_scores(known)]
        ranked = sorted(zip(scores, self._articles.values(), strict=True), key=lambda hit: (-hit[0], hit[1].id))
        weights = {term: self._weights[term] for term in known}
        return [self._passage(article, weights, score) for score, article in ranked[:max_results] if score > 0]

    def _sentences_of(self, article: Article) -> list[Sentence]:
        # Taken apart when it is first found: most articles of a large folder are not found between two starts.
        if article.id not in self._sentences:
            self._sentences[article.id] = sentences(article.body)
        return self._sentences[article.id]

    def _passage(self, article: Article, weights: dict[str, float], score: float) -> Passage:
        text = excerpt(self._sentences_of(article), weights) or article.title[:MAX_EXCERPT]
        return Passage(
            article_id=article.id,
            title=article.title,
            section=article.section,
            url=article.url,
            excerpt=text,
            score=score,
        )


def _term_weights(documents: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return how much each term tells, the inverse document frequency: the fewer articles have it, the more."""
    counts = Counter(term for document in documents for term in set(document))
    total = len(documents)
    return {
        term: math.log(1 + (total - count + 0.5) / (count + 0.5)) for term, count in counts.items() if term != _ANCHOR
    }


def _article_files(folder: Path) -> list[Path]:
    """Return the Markdown files below ``folder`` in order, those in hidden folders left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in {".md", ".markdown"}
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _read_article(path: Path, *, folder: Path) -> Article:
    """Read one file.

    Raises:
        SettingsError: it is not readable text, its front matter is broken, or it has no title.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"The article {path} is not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"The article {path} cannot be read: {error.strerror}.") from error
    fields, body = _front_matter(text, path=path)
    title = fields.title or first_heading(body)
    if not title:
        raise SettingsError(f"The article {path} has no title. Add a 'title' to its front matter, or a heading.")
    relative = path.relative_to(folder)
    return Article(
        id=fields.id or _slug(relative.with_suffix("").as_posix()),
        title=title,
        section=fields.section or (relative.parent.name or "General"),
        url=fields.url or relative.as_posix(),
        updated=fields.updated,
        body=body.strip(),
    )


def _front_matter(text: str, *, path: Path) -> tuple[_Fields, str]:
    """Split an article into its checked front matter, which may be missing, and its body."""
    text = text.lstrip()
    if not _FRONT_MATTER.detect(text):
        return _Fields(), text
    where = f"The front matter of the article {path}"
    try:
        head, body = _FRONT_MATTER.split(text)
    except ValueError:
        raise SettingsError(f"{where} has no end. Close it with a line of three dashes.") from None
    try:
        loaded: Any = _FRONT_MATTER.load(head)
    except (yaml.YAMLError, ValueError) as error:
        above = text.count("\n", 0, text.find(head))
        raise SettingsError(f"{where} is not valid YAML{_yaml_fault(error, above=above)}.") from None
    if loaded is None:
        return _Fields(), body
    if not isinstance(loaded, dict):
        raise SettingsError(f"{where} is no list of fields. Write one 'name: value' a line.")
    try:
        return _Fields.model_validate(loaded), body
    except ValidationError as error:
        problems = "; ".join(f"field '{item['loc'][0]}': {item['msg']}" for item in error.errors())
        raise SettingsError(f"{where} is wrong: {problems}.") from None


def _yaml_fault(error: Exception, *, above: int) -> str:
    """Return the line of the file and the fault, as far as known; ``above`` lines of the file precede the YAML."""
    mark = getattr(error, "problem_mark", None)
    fault = getattr(error, "problem", None) or (str(error) if isinstance(error, ValueError) else "")
    line = f" in line {above + mark.line + 1}" if mark else ""
    return f"{line}: {fault}" if fault else line


def _slug(path: str) -> str:
    """Return an id made of a relative path: lower case, words joined by hyphens, folders by slashes."""
    return re.sub(r"[^\w/]+", "-", path.lower()).strip("-")
