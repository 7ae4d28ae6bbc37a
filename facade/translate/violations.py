"""Collects what is wrong with a request, so that a caller sees all of it at once."""

from collections.abc import Iterable
from difflib import get_close_matches

from mesh.errors import Invalid, Violation

UNKNOWN = "field.unknown"
LIMIT = 20
"""More are not collected: a hostile body must not buy work, nor an answer larger than itself."""
_LONGEST_NAME = 64


class Violations:
    """The problems of one request, with JSON pointers into its message."""

    def __init__(self) -> None:
        self._found: list[Violation] = []

    def add(self, pointer: str, code: str, detail: str) -> None:
        """Notes a problem. Raises Invalid when there are LIMIT of them."""
        self._found.append(Violation(pointer, code, detail))
        if len(self._found) >= LIMIT:
            self.check()

    def unknown(self, pointer: str, name: str, known: Iterable[str], kind: str = "field") -> None:
        """Notes that the object at `pointer` has no `name`, and which of `known` may have been meant."""
        shown = shorten(name)
        near = get_close_matches(shown, known, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else "."
        self.add(f"{pointer}/{escape(shown)}", UNKNOWN, f"There is no {kind} `{shown}`{hint}")

    def check(self) -> None:
        """Raises Invalid when there was a problem: UNKNOWN_FIELD when nothing else is wrong, or INVALID_REQUEST."""
        if not self._found:
            return
        reason = "UNKNOWN_FIELD" if all(v.code == UNKNOWN for v in self._found) else "INVALID_REQUEST"
        message = self._found[0].detail if len(self._found) == 1 else f"The request has {len(self._found)} problems."
        raise Invalid(reason, message, violations=self._found)


def escape(name: str) -> str:
    """One token of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def shorten(name: str) -> str:
    """A name of the caller's, fit to be repeated in an answer: of bounded length, and encodable."""
    if len(name) > _LONGEST_NAME:
        name = name[:_LONGEST_NAME] + "…"
    return name.encode("utf-8", "replace").decode()
