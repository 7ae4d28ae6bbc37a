"""What a user's own log tells as it is now: texts stand in tables of their own only, so that the log outlives none."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from chat.message.v1.change_pb2 import ChangeData
from services.message.drafts.store_sql import COLUMNS as DRAFT
from services.message.drafts.store_sql import draft_of
from services.message.drafts.wire import draft_body
from services.message.feed.domain import (
    DRAFT_UPDATED,
    SCHEDULED_FAILED,
    SCHEDULED_SENT,
    SCHEDULED_UPDATED,
    Change,
)
from services.message.keys_sql import by_keys
from services.message.schedule.rows_sql import COLUMNS as PLAN
from services.message.schedule.rows_sql import plan_of
from services.message.schedule.wire import scheduled_body
from services.message.tables import drafts, scheduled

_DRAFT_KEY = tuple(drafts.c["workspace_id", "user_id", "conversation_id", "thread_root"])
_DRAFTS = select(*[column.label(f"key_{column.name}") for column in _DRAFT_KEY], *DRAFT)
_PLAN_KEY = tuple(scheduled.c["workspace_id", "id"])
_PLANS = select(*PLAN)
_OF_PLANS = (SCHEDULED_UPDATED, SCHEDULED_SENT, SCHEDULED_FAILED)


def as_now(connection: Connection, changes: Sequence[Change]) -> list[Change]:
    """The changes, those of drafts and planned messages with what these say now."""
    about_drafts = {change: _draft_key(change) for change in changes if change.type == DRAFT_UPDATED}
    about_plans = {change: _plan_key(change) for change in changes if change.type in _OF_PLANS}
    found_drafts = by_keys(connection, _DRAFTS, _DRAFT_KEY, list(about_drafts.values()))
    found_plans = by_keys(connection, _PLANS, _PLAN_KEY, list(about_plans.values()))
    said = {tuple(row[: len(_DRAFT_KEY)]): draft_body(draft_of(row[len(_DRAFT_KEY) :])) for row in found_drafts}
    said |= {(plan.workspace_id, plan.id): scheduled_body(plan) for plan in map(plan_of, found_plans)}
    keys = {**about_drafts, **about_plans}
    return [replace(change, body=said.get(keys.get(change, ()), change.body)) for change in changes]


def _draft_key(change: Change) -> tuple[str, ...]:
    root = ChangeData.FromString(change.body).draft.thread_root
    return change.origin.workspace_id, change.user_id, change.conversation_id, root


def _plan_key(change: Change) -> tuple[str, ...]:
    return change.origin.workspace_id, ChangeData.FromString(change.body).scheduled.id
