"""Reports as they stand in their table, for reading and writing."""

from collections.abc import Sequence
from typing import Any

from services.message.reports.domain import Category, Report, Status
from services.message.tables import reports

REPORT = reports.c[Report.__slots__]


def report_of(row: Sequence[Any]) -> Report:
    values = dict(zip(Report.__slots__, row, strict=True))
    values["category"], values["status"] = Category(values["category"]), Status(values["status"])
    return Report(**values)


def report_values(report: Report) -> dict[str, Any]:
    return {name: getattr(report, name) for name in Report.__slots__}
