"""Writes stored rows anew where what is left out or hashed of them has changed: in pieces, as all that is long."""

import json
import logging
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q, QuerySet

from connections.models import Change, Connection, Holding, Record, RowCount, StreamRun
from connections.models.change import NOT_SHOWN, PRESENCE
from connections.models.field_rules import FieldRules, Rule
from connections.models.person_erasure import field_rules_of
from connections.models.record import bitten
from connections.operating.erasing_people import blank, lock, stream_of
from connections.safe.sealing import Unsealable
from sources.spec import Stream, TextRow

log = logging.getLogger(__name__)

PIECE = 500  # Rows, of which each is read. Some hundredths of a second, for which a sync may have to wait.


def rewrite_a_piece() -> int:
    """Of one stream; returns how many rows were looked at, or 0 when there is nothing to do for now."""
    with transaction.atomic():
        # Locked first: whoever changes the rules in this moment has it begun anew.
        waiting = RowCount.objects.exclude(ruled_to=None).select_for_update(skip_locked=True, of=("self",))
        count = waiting.select_related("holding").order_by("pk").first()
        if count is None:
            return 0
        connection = Connection.objects.filter(
            Q(holding=count.holding_id) | Q(former_holdings=count.holding_id)
        ).first()
        try:
            done = rewrite_some(count, connection) if connection else end(count)
        except Unsealable:
            log.exception("The key of a workspace's hashes cannot be opened with the present keys; trying again.")
            return 0
    return done


def rewrite_some(count: RowCount, connection: Connection) -> int:
    stream = stream_of(count.holding, count.stream)
    rules = field_rules_of(connection, stream)
    rows = Record.objects.filter(holding=count.holding_id, stream=count.stream, external_id__gt=count.ruled_to)
    ids = [*rows.order_by("external_id").values_list("external_id", flat=True)[:PIECE]]
    is_over = len(ids) < PIECE
    piece = rows.filter(external_id__lte=ids[-1]) if ids else rows.none()
    sizes = [*piece.values_list("pk", "size")]
    if not lock([pk for pk, _ in sizes]):
        return 0
    for pks in bitten(sizes):
        rewrite(Record.objects.filter(pk__in=pks), count.holding, stream, rules)
    logged = Change.objects.filter(holding=count.holding_id, stream=count.stream, external_id__gt=count.ruled_to)
    rewrite_log(logged if is_over else logged.filter(external_id__lte=ids[-1]), rules)
    if is_over:
        forget_excerpts(connection, stream, rules)
        return end(count) + len(ids)
    count.ruled_to = ids[-1]
    count.save(update_fields=["ruled_to"])
    return len(ids)


def end(count: RowCount) -> int:
    count.ruled_to = None
    count.save(update_fields=["ruled_to"])
    log.info("what is left out of a stream is", extra={"holding": str(count.holding_id), "stream": count.stream})
    return 1


def rewrite(records: QuerySet[Record], holding: Holding, stream: Stream, rules: FieldRules) -> None:
    changed = []
    for record in records:
        row = TextRow(json.loads(record.text), record.text)
        left = rules.applied(row)
        if left is not row:
            changed.append((record, left))
    blank(changed, holding, stream)


def rewrite_log(changes: QuerySet[Change], rules: FieldRules) -> None:
    changes.filter(field__in=fields_with(Rule.LEAVE_OUT, rules)).exclude(field=PRESENCE).delete()
    for change in changes.filter(field__in=fields_with(Rule.HASH, rules)):
        before, after = (
            said if said == NOT_SHOWN else rules.value(change.field, said) for said in (change.before, change.after)
        )
        Change.objects.filter(pk=change.pk).update(before=before, after=after)


def fields_with(rule: str, rules: FieldRules) -> Sequence[str]:
    return [name for name, one in rules.rules.items() if one == rule]


def forget_excerpts(connection: Connection, stream: Stream, rules: FieldRules) -> None:
    """Of rows that could not be kept, what of these fields stands in their beginnings."""
    for run in StreamRun.objects.filter(sync__connection=connection, stream=stream.key).exclude(unkept=[]):
        run.unkept = [{**one, "excerpt": rules.excerpt(one["excerpt"])} for one in run.unkept]
        run.save(update_fields=["unkept"])
