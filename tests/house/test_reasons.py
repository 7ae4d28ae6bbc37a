"""The catalogue of error reasons and the code agree."""

import ast
import gc
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from chat.common.v1 import reason_pb2
from mesh import errors

ROOT = Path(__file__).parents[2]
SOURCES = ("mesh", "services", "facade", "cli")
CATALOGUE = {name.removeprefix("REASON_") for name, number in reason_pb2.Reason.items() if number}

# Why a reason is not raised yet although it has its number.
RESERVED: dict[str, str] = {}


@cache
def trees() -> Sequence[tuple[Path, ast.Module]]:
    gc.collect()  # What other tests left must not be finalized while Python 3.11 parses (python/cpython#106905).
    paths = [path for folder in SOURCES for path in sorted((ROOT / folder).rglob("*.py"))]
    return [(path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def kinds() -> set[str]:
    """The names of the errors: those of mesh/errors.py, and what the code derives from them."""
    known = {kind.__name__ for kind in errors.Error.__subclasses__()}
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") in known for base in node.bases):
                known.add(node.name)
    return known


def raised() -> Mapping[str, set[str]]:
    """Where the code makes an error with which reason: `path:line Kind` by reason."""
    known, found = kinds(), defaultdict[str, set[str]](set)
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) in known and node.args:
                for reason in literals(node.args[0]):
                    found[reason].add(f"{path}:{node.lineno} {called(node)}")
    return found


def called(call: ast.Call) -> str:
    """The bare name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def literals(expression: ast.expr) -> Iterator[str]:
    """The strings that an argument can be: itself, or either side of a conditional."""
    if isinstance(expression, ast.IfExp):
        yield from literals(expression.body)
        yield from literals(expression.orelse)
    elif isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        yield expression.value


def named() -> set[str]:
    """Every reason that stands as a string somewhere in the code, tables included."""
    return {
        node.value
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in CATALOGUE
    }


def test_each_error_has_a_reason_of_the_catalogue() -> None:
    """No error is made with a reason that proto/chat/common/v1/reason.proto does not have."""
    assert {reason: places for reason, places in raised().items() if reason not in CATALOGUE} == {}


def test_each_reason_has_one_kind() -> None:
    """A reason always has the same gRPC code and HTTP status, so that a caller can rely on either."""
    several = {r: places for r, places in raised().items() if len({place.split()[-1] for place in places}) > 1}
    assert several == {}


def test_each_reason_is_used() -> None:
    """A reason that nothing raises is reserved, with a why, or not in the catalogue."""
    assert CATALOGUE - named() - RESERVED.keys() == set()


def test_nothing_is_reserved_that_is_used() -> None:
    """The list of reserved reasons shrinks as the code grows."""
    assert RESERVED.keys() & named() == set()
