"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FOLDERS = "cli|deploy|docs|facade|gen|mesh|proto|services|tests|tools|web|bench"
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
MENTION = re.compile(rf"`((?:{FOLDERS})/[\w./-]*)`")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file that exists."""
    assert [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()] == []


@each_page
def test_paths_that_are_named_exist(page: Path) -> None:
    """A path of the tree that a page names was not moved since."""
    assert [path for path in MENTION.findall(page.read_text("utf-8")) if not (ROOT / path).exists()] == []


def test_each_decision_is_listed_and_complete() -> None:
    """The index names every decision, and each has the same parts."""
    pages = sorted((ROOT / "docs" / "adr").glob("0*.md"))
    index = (ROOT / "docs" / "adr" / "README.md").read_text("utf-8")
    assert re.findall(r"\((\d{4}-[\w-]+\.md)\)", index) == [page.name for page in pages]
    for page in pages:
        text = page.read_text("utf-8")
        assert re.match(rf"# {page.name[:4]} .+\n(accepted|superseded by \d{{4}}) · .+ · \d{{4}}-\d\d-\d\d\n", text)
        parts = re.findall(r"^(?:## )?(Context|Decision|Consequences|Alternatives|Enforced by)\b", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences", "Alternatives", "Enforced by"], page.name
