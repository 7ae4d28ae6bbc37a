"""Passwords that are tried first: well-known ones, one's own name, and what fingers do by themselves.

`common_passwords.txt` holds words and whole passwords. A word counts with the digits and signs that people put around
it, and with the letters that they replace by look-alikes.
"""

from functools import cache
from itertools import pairwise
from pathlib import Path
from string import digits, punctuation

from mesh.errors import Invalid, Violation

_LIST = Path(__file__).parent / "common_passwords.txt"
_ROWS = ("1234567890", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz")
_LOOK_ALIKES = str.maketrans("@4310$57", "aaelosst")
_AROUND = digits + punctuation + " "
_MOST_AROUND = 6
"""More around a word makes it a password of its own."""
_ENOUGH_BESIDE_NAME = 8


def refuse_common(password: str, field: str, *names: str) -> None:
    """Raises Invalid (PASSWORD_TOO_COMMON). `names` are the username and the mail address of its owner."""
    if is_common(password, *names):
        detail = "This password is one of those that are tried first. Choose a longer or less usual one."
        raise Invalid("PASSWORD_TOO_COMMON", detail, violations=[Violation(field, "password.common", detail)])


def is_common(password: str, *names: str) -> bool:
    folded = password.casefold()
    return (
        _is_known(folded)
        or len(set(folded)) <= 2
        or _runs_along_keys(folded)
        or any(_is_little_more_than(folded, part) for name in names for part in _parts(name.casefold()))
    )


def _is_known(folded: str) -> bool:
    bare = folded.strip(_AROUND)
    texts = (folded, bare) if len(folded) - len(bare) <= _MOST_AROUND else (folded,)
    return any(text in _known() or text.translate(_LOOK_ALIKES) in _known() for text in texts)


def _runs_along_keys(folded: str) -> bool:
    """Whether fingers or the alphabet went on by themselves, with a new start for every four characters at most."""
    starts = sum(1 for step in pairwise(folded) if step not in _neighbours())
    return starts <= len(folded) / 4 - 1


def _is_little_more_than(folded: str, name: str) -> bool:
    return name in folded and len(folded.replace(name, "")) < _ENOUGH_BESIDE_NAME


def _parts(name: str) -> list[str]:
    """A username, or the two halves of a mail address; what is shorter than three characters stands in any text."""
    return [part for part in (name, *name.split("@")) if len(part) >= 3]


@cache
def _known() -> frozenset[str]:
    return frozenset(_LIST.read_text(encoding="utf-8").split())


@cache
def _neighbours() -> frozenset[tuple[str, str]]:
    """Characters that stand beside each other on a keyboard or in the alphabet, or twice."""
    rows = [row + row[0] for row in _ROWS]
    beside = {step for row in rows for step in pairwise(row)}
    letters = {letter for row in _ROWS for letter in row}
    return frozenset(beside | {(after, before) for before, after in beside} | {(letter, letter) for letter in letters})
