"""`CHAT_LIMITS`: changes to the table, such as `send=100/s,login.account=5/10s:20,read=off`.

limits   = entry, {",", entry};               read from left to right, the last one counts
entry    = "off"                              everything is off, but what follows
         | target, "=", (amount | "off")
target   = class, [".", scope]                without a scope: all scopes of the class
amount   = calls, "/", [number], unit, [":", burst]
unit     = "s" | "m" | "h"                    the burst is the number of calls when it is not given
"""

import re

from mesh.limits.classes import NEVER_OFF, Classes, defaults, policy
from mesh.limits.limiter import Policy

OFF = "off"
MAX_RATE = 1_000_000
MAX_BURST = 1_000_000
_AMOUNT = re.compile(r"(\d{1,9})/(\d{1,6})?([smh])(?::(\d{1,9}))?")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def read(text: str, given: Classes | None = None) -> Classes:
    """The table, which is the default one when none is given, with the changes.

    Raises ValueError that says which entry is wrong and what would be right.
    """
    table = {name: dict(scopes) for name, scopes in (given or defaults()).items()}
    for entry in text.split(",") if text.strip() else ():
        _apply(entry.strip(), table)
    return table


def unguarded(table: Classes) -> list[str]:
    """What has to be limited where strangers come and is not, as `class.scope`."""
    return [
        f"{name}.{scope}"
        for name, scopes in defaults().items()
        if name in NEVER_OFF
        for scope in scopes
        if scope not in table[name]
    ]


def _apply(entry: str, table: dict[str, dict[str, Policy]]) -> None:
    if entry == OFF:
        for limits in table.values():
            limits.clear()
        return
    target, equals, amount = entry.partition("=")
    if not equals:
        raise _wrong(entry, "write `class=amount`, such as `send=100/s`, or `off`")
    name, _, scope = target.strip().partition(".")
    known = defaults()
    if name not in known:
        raise _wrong(entry, f"there is no class `{name}`; there are {', '.join(known)}")
    if scope and scope not in known[name]:
        raise _wrong(entry, f"`{name}` has no scope `{scope}`; it has {', '.join(known[name])}")
    for each in (scope,) if scope else known[name]:
        table[name].pop(each, None)
        if amount.strip() != OFF:
            table[name][each] = policy(name, each, **_amount(entry, amount.strip()))


def _amount(entry: str, text: str) -> dict[str, int]:
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise _wrong(entry, "an amount is `calls/time`, such as `10/s`, `5/10s` or `100/m:20` with a burst, or `off`")
    calls, number, unit, burst = match.groups()
    seconds = int(number or 1) * _SECONDS[unit]
    if not (int(calls) and seconds and int(burst or 1)):
        raise _wrong(entry, "nothing is 0 in an amount; to allow anything write `off`")
    amount = {"burst": int(burst or calls), "calls": int(calls), "seconds": seconds}
    if amount["burst"] > MAX_BURST or amount["calls"] > MAX_RATE * seconds:
        raise _wrong(entry, f"at most {MAX_BURST} at once and {MAX_RATE} a second; to allow anything write `off`")
    return amount


def _wrong(entry: str, why: str) -> ValueError:
    return ValueError(f"CHAT_LIMITS: `{entry}`: {why}.")
