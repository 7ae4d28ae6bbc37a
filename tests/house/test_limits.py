"""The page about limits tells those that hold."""

import re
from pathlib import Path

from mesh.limits.classes import defaults
from mesh.limits.overrides import read

PAGE = Path(__file__).parents[2] / "docs" / "limits.md"
ROW = re.compile(r"^\| `(\w+)` \| .+ \| (.+) \|$", re.MULTILINE)
LIMIT = re.compile(r"`(\w+)` (\d+), (\d+/\d*[smh])")


def test_the_page_and_the_table_agree() -> None:
    """Every class with all its scopes: calls at once, then in the long run."""
    rows = {
        name: LIMIT.findall(limits) for name, limits in ROW.findall(PAGE.read_text("utf-8")) if LIMIT.search(limits)
    }
    entries = [f"{name}.{scope}={rate}:{burst}" for name, limits in rows.items() for scope, burst, rate in limits]
    assert read(",".join(["off", *entries])) == defaults()


def test_the_examples_of_the_page_can_be_set() -> None:
    """As they stand there, but the one that shows what is refused."""
    settings = PAGE.read_text("utf-8").partition("## Settings")[2]
    examples = re.findall(r"^\| `([a-z.]+=[^`]+|off)`", settings, re.MULTILINE)
    for example in examples:
        if example != "sned=1/s":
            read(example)
    assert len(examples) > 5
