"""Correlation ids."""

import pytest

from mesh.call.correlation import accept


@pytest.mark.parametrize("offered", ["a", "order-7:retry.2", "x" * 128, "A/b+c=@_"])
def test_a_sane_id_is_kept(offered: str) -> None:
    """What the caller chose is what everybody sees."""
    assert accept(offered) == offered


@pytest.mark.parametrize("offered", [None, "", "x" * 129, "a b", "a\nb", "é", "<script>"])
def test_anything_else_is_replaced(offered: str | None) -> None:
    """Absent, too long, or able to hurt a log line."""
    assert accept(offered, lambda: "made") == "made"


def test_made_ids_differ() -> None:
    """Two requests never share one."""
    assert accept(None) != accept(None)
