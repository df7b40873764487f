"""Every internal link leads somewhere, and nothing is cited that is not in the repository."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.markdown import GUIDES, PAGES, ROOT, list_anchors, list_code_spans, list_links

_WRITTEN = {"summary.md", "page.md"}
"""Documents that runs and tests write."""
_PACKAGE = tuple(f"{path.name}/" for path in (ROOT / "fakebench_suite").iterdir() if path.is_dir())
_TOP = ("fakebench_suite/", "tests/", "benchmarks/", "docs/", "cases/", "models/", ".github/")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def find_broken_links(page: Path) -> list[str]:
    """The links of a page to a file or an anchor of the repository that is not there."""
    broken = []
    for link in list_links(page):
        if re.match(r"[a-z]+:", link):
            continue
        address, _, anchor = link.partition("#")
        target = (page.parent / address) if address else page
        if not target.exists() or (anchor and anchor not in list_anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_internal_links_lead_somewhere(page: Path) -> None:
    """Files, pictures and headings."""
    assert find_broken_links(page) == []


def test_pictures_are_small() -> None:
    """The repository holds no picture of 200 kB or more."""
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert pictures
    assert max(path.stat().st_size for path in pictures) < 200_000


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    """By its file, its picture or its anchor; a good one is not."""
    page = tmp_path / "page.md"
    page.write_text(
        "# A `--b` & c\n\n## Twice\n\n## Twice\n\n[good](#a---b--c) [good](page.md#twice-1)\n"
        "[no file](none.md) ![no picture](none.png) [no heading](page.md#none)\n",
        encoding="utf-8",
    )
    assert find_broken_links(page) == ["none.md", "none.png", "page.md#none"]


def test_every_page_of_docs_is_linked_from_the_index() -> None:
    """And the README links the index."""
    linked = {link.partition("#")[0] for link in list_links(ROOT / "docs" / "index.md")}
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert pages - linked == set()
    assert "docs/index.md" in list_links(ROOT / "README.md")


@pytest.mark.parametrize("page", GUIDES, ids=_name)
def test_files_that_are_named_exist(page: Path) -> None:
    """A path in code that begins with a folder of the repository or the package is there."""
    spans = (span for span in list_code_spans(page) if re.fullmatch(r"[\w./-]+", span))
    paths = {span.rstrip("/") for span in spans if span.startswith((*_TOP, *_PACKAGE))}
    folders = [ROOT, ROOT / "fakebench_suite"]
    assert {
        path for path in paths if not any((folder / path).exists() for folder in folders)
    } == set()


def test_functions_that_are_named_exist() -> None:
    """The examples of the contributing guide are functions of the package."""
    source = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "fakebench_suite").rglob("*.py")
    )
    spans = list_code_spans(ROOT / "CONTRIBUTING.md")
    names = {match[1] for span in spans if (match := re.match(r"(\w+)\(", span))}
    assert len(names) >= 9
    assert {name for name in names if f"def {name}(" not in source} == set()


def test_tests_that_are_named_exist() -> None:
    """The tables of what can go wrong name tests."""
    pages = (ROOT / "docs" / name for name in ("endpoints.md", "resume.md"))
    names = {
        span for page in pages for span in list_code_spans(page) if re.fullmatch(r"test_\w+", span)
    }
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    assert len(names) >= 25
    assert {name for name in names if f"def {name}(" not in source} == set()


@pytest.mark.process
def test_no_document_is_cited_that_is_not_here() -> None:
    """In code, tests, configuration and documents: each ``*.md`` is one of the repository's."""
    result = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    files = [ROOT / name for name in result.stdout.splitlines()]
    known_names = {path.name for path in files if path.suffix == ".md"} | _WRITTEN
    missing: dict[str, set[str]] = {}
    for path in files:
        if path.suffix in {".py", ".md", ".toml", ".yml", ".yaml", ".ini", ".html", ".js", ""}:
            text = path.read_text(encoding="utf-8", errors="ignore") if path.is_file() else ""
            names = {
                Path(name).name for name in re.findall(r"[\w./-]*\w\.md\b", text)
            } - known_names
            if names and path != Path(__file__):
                missing[_name(path)] = names
    assert missing == {}
