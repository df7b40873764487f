"""The Markdown pages of the repository, parsed: links, anchors and code blocks."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "reports/README.md", ".github/**/*.md")
    for path in ROOT.glob(pattern)
)
GUIDES = [
    path for path in PAGES if path.parent in {ROOT, ROOT / "docs"} and path.name != "CHANGELOG.md"
]
"""The pages that explain the software to its users and developers."""
_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block of code."""

    page: Path
    line: int
    language: str
    note: str
    """What follows the language in the info string."""
    text: str

    @property
    def place(self) -> str:
        """Page and line, as the name of a test."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def parse(page: Path) -> list[Token]:
    """The tokens of a page; those inside paragraphs and cells follow their parents."""
    tokens: list[Token] = []
    for token in _PARSER.parse(page.read_text(encoding="utf-8")):
        tokens += [token, *(token.children or ())]
    return tokens


def list_links(page: Path) -> list[str]:
    """Where the links and images of a page lead."""
    targets = (token.attrGet("href") or token.attrGet("src") for token in parse(page))
    return [str(target) for target in targets if target]


def list_anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    anchors: set[str] = set()
    tokens = parse(page)
    for token, content in itertools.pairwise(tokens):
        if token.type == "heading_open":
            words = "".join(
                child.content for child in content.children or () if child.type != "html_inline"
            )
            anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            count = sum(other == anchor or other.startswith(f"{anchor}-") for other in anchors)
            anchors.add(f"{anchor}-{count}" if anchor in anchors else anchor)
    return anchors


def list_code_spans(page: Path) -> list[str]:
    """The inline code of a page."""
    return [token.content for token in parse(page) if token.type == "code_inline"]


def list_blocks(page: Path, language: str = "") -> Iterator[Block]:
    """The fenced blocks of a page, of one language or of all."""
    for token in parse(page):
        if token.type != "fence":
            continue
        name, _, note = token.info.partition(" ")
        if language in ("", name):
            assert token.map is not None
            line = token.map[0] + 1
            yield Block(page=page, line=line, language=name, note=note, text=token.content)


def list_table_words(page: Path, *header: str) -> list[str]:
    """The code in the first column of every table whose header begins with those cells."""
    words: list[str] = []
    row: list[Token] = []
    in_table = False
    for token in _PARSER.parse(page.read_text(encoding="utf-8")):
        if token.type == "tr_open":
            row = []
        elif token.type == "inline" and token.level >= 4:
            row.append(token)
        elif token.type == "thead_close":
            in_table = [cell.content for cell in row][: len(header)] == list(header)
        elif token.type == "tr_close" and in_table and row:
            words += [
                child.content for child in row[0].children or () if child.type == "code_inline"
            ]
        elif token.type == "table_close":
            in_table = False
    return words
