"""Finds what is held about a person over all connections of a workspace, and erases it: in pieces, as all that is long.

It may be killed between any two pieces, and goes on from there. Syncs may run meanwhile: whom the marks name they store
no more, and those that began before the marks were there begin again where they are.
"""

import hashlib
import logging
import re
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from connections.models import (
    Change,
    Connection,
    ErasureMark,
    Holding,
    PersonErasure,
    Record,
    RowCount,
    StreamRun,
    Sync,
)
from connections.models.columns import NAMES, readers
from connections.models.holding import PIECE
from connections.models.kept_out import HASHED, KeptOut
from connections.models.person_erasure import Phase, kept_out_of, key_of, release_syncs
from connections.models.record import bitten
from connections.safe.sealing import Unsealable
from sources.registry import get_source
from sources.spec import Row, Stream, text_of

log = logging.getLogger(__name__)

LOOKED_AT = 5 * PIECE  # Rows at a time while nothing is written.
RUNS = PIECE // 10  # Each may have twenty excerpts.
AT_ONE_GO = 0.2  # Seconds of many small pieces.
MOMENTS = ("happened_at", "ended_at")  # Read as UTC, and without a word of it.
SHORTEST_RUN = 3  # Letters of an address that rows are looked through for; fewer are in nearly every row.


def erase_people_a_piece() -> int:
    """Of the request that has waited longest; returns how many rows were looked at and more, or 0 for nothing to do."""
    done, until = 0, time.monotonic() + AT_ONE_GO
    while (erasure := PersonErasure.objects.under_way().first()) and (step := go_on(erasure.pk)):
        done += step
        if time.monotonic() > until:
            break
    return done


@transaction.atomic
def go_on(pk: int) -> int:
    """One piece; returns 0 when it is over, another worker is at it, or a sync writes these rows in this moment."""
    locked = PersonErasure.objects.select_for_update(skip_locked=True, of=("self",)).select_related("workspace")
    erasure = locked.filter(pk=pk).first()
    if erasure is None or not erasure.is_under_way:
        return 0
    erasure.moved_at = timezone.now()
    try:
        step = Step(erasure)
        done = step.blank_excerpts() if erasure.phase == Phase.EXCERPTS else step.look()
    except Unsealable:
        log.exception("Who is to be erased cannot be opened with the present keys; trying again.")
        PersonErasure.objects.filter(pk=pk).update(moved_at=erasure.moved_at)  # Others have their turn.
        return 0
    erasure.save()
    return done


class Step:
    """One piece of one request. What it changes of the request is saved by the caller."""

    def __init__(self, erasure: PersonErasure) -> None:
        self.erasure = erasure
        self.needles = erasure.opened()

    def look(self) -> int:
        if self.erasure.reached is None and not self._move_on():
            self._end_phase()
            return 1
        pointed = Holding.objects.select_related("connection", "parted_from")
        holding = pointed.filter(pk__in=[self.erasure.holding]).first()
        if holding is None:  # It is erased meanwhile.
            self.erasure.reached = None
            return 1
        return self._look_at(holding, stream_of(holding, self.erasure.stream))

    def _move_on(self) -> bool:
        """To the next stream in which there may be something; False when there is none."""
        erasure = self.erasure
        theirs = Q(holding__connection__workspace=erasure.workspace_id)
        hidden = Q(holding__parted_from__workspace=erasure.workspace_id)
        counts = RowCount.objects.filter(theirs | hidden).order_by("holding", "stream")
        if erasure.holding:
            behind = Q(holding=erasure.holding, stream__gt=erasure.stream) | Q(holding__gt=erasure.holding)
            counts = counts.filter(behind)
        for count in counts.select_related("holding__connection", "holding__parted_from").iterator():
            if self._may_be_in(count.holding, stream_of(count.holding, count.stream)):
                erasure.holding, erasure.stream, erasure.reached = count.holding_id, count.stream, ""
                return True
        return False

    def _may_be_in(self, holding: Holding, stream: Stream) -> bool:
        if self.erasure.phase == Phase.PEOPLE:
            return stream.personal.is_person and bool(self.needles["address"])
        return bool(self.needles["address"] or self._ids(holding, stream))

    def _ids(self, holding: Holding, stream: Stream) -> list[str]:
        """Of persons' rows, as far as rows of this stream may name them."""
        known = self.needles["ids"].get(str(holding.pk), {})
        named = {one.stream for one in stream.personal.belongs_to} | {stream.key}
        return [one for key in sorted(named) for one in known.get(key, [])]

    def _end_phase(self) -> None:
        erasure = self.erasure
        erasure.holding, erasure.stream, erasure.reached = None, "", None
        if erasure.phase == Phase.PEOPLE:
            erasure.phase = Phase.ROWS
            if erasure.is_erasing:
                log.info(
                    "syncs begin again",
                    extra={"count": release_syncs(Sync.objects.filter(connection__workspace=erasure.workspace_id))},
                )
        elif not erasure.is_erasing:
            erasure.is_found_out()
        elif erasure.is_to_repeat:
            erasure.walk_from_the_start()
        else:
            erasure.phase, erasure.reached = Phase.EXCERPTS, ""

    # Rows -------------------------------------------------------------------------------------------------------

    def _look_at(self, holding: Holding, stream: Stream) -> int:
        erasure, most = self.erasure, PIECE if self.erasure.is_erasing else LOOKED_AT
        rows = Record.objects.filter(holding=holding, stream=stream.key, external_id__gt=erasure.reached)
        ids = [*rows.order_by("external_id").values_list("external_id", flat=True)[:most]]
        found = self._matching(rows.filter(external_id__lte=ids[-1]), holding, stream) if ids else rows.none()
        sizes = [*found.values_list("pk", "size")]
        if erasure.is_erasing and not lock([pk for pk, _ in sizes]):
            return 0
        keeper = self._keeper(holding)
        for pks in bitten(sizes):
            self._take(Record.objects.filter(pk__in=pks), holding, stream, keeper)
        self._note_found(keeper, holding)
        erasure.looked += len(ids) if erasure.phase == Phase.ROWS else 0
        erasure.reached = ids[-1] if len(ids) == most else None
        return max(len(ids), 1)

    def _matching(self, rows: QuerySet[Record], holding: Holding, stream: Stream) -> QuerySet[Record]:
        """Those that may be meant: what is looked for is in no others, however a row spells it."""
        letters = longest_run(self.needles["address"])
        if self.needles["address"] and not letters:
            return rows
        wanted = Q(text__icontains=letters) | Q(text__contains=self._hash_of_address()) if letters else Q()
        for one in self._ids(holding, stream):
            wanted |= Q(text__contains=one)
        return rows.filter(wanted)

    def _hash_of_address(self) -> str:
        """As it stands in rows whose address is hashed."""
        keeper = KeptOut(key_of(self.erasure.workspace_id), UUID(int=0), {})
        return f"{HASHED}{keeper.mark_of_address(self.needles['address'])}"

    def _keeper(self, holding: Holding) -> KeptOut:
        if self.erasure.is_erasing:
            return kept_out_of(holding, self.erasure.workspace_id)
        keeper = KeptOut(key_of(self.erasure.workspace_id), holding.pk, {})
        marks = [keeper.mark_of_address(self.needles["address"])]
        for stream, ids in self.needles["ids"].get(str(holding.pk), {}).items():
            marks += [keeper.mark_of_row(stream, one) for one in ids]
        keeper.marks = dict.fromkeys(marks, self.erasure.pk)
        return keeper

    def _take(self, records: QuerySet[Record], holding: Holding, stream: Stream, keeper: KeptOut) -> None:
        gone, blanked = [], []
        for record in records:
            if self.erasure.phase == Phase.PEOPLE:
                keeper.is_theirs(stream, record.external_id, record.data)
                continue
            left = keeper.cleansed(stream, record.external_id, record.data)
            if left is None:
                gone.append(record)
            elif left is not record.data:
                blanked.append((record, left))
        self._count(holding, stream, gone=len(gone), blanked=len(blanked))
        if self.erasure.is_erasing:
            erase(gone, holding, stream)
            blank(blanked, holding, stream)

    def _count(self, holding: Holding, stream: Stream, *, gone: int, blanked: int) -> None:
        if gone:
            counts = self.erasure.counts.setdefault(str(holding.pk), {})
            counts[stream.key] = counts.get(stream.key, 0) + gone
        self.erasure.blanked += blanked

    def _note_found(self, keeper: KeptOut, holding: Holding) -> None:
        """Ids that were met just now; an earlier piece was not compared with them."""
        for erasure, stream, external_id in keeper.found:
            self.erasure.look_also_for(holding.pk, stream, [external_id])
            if self.erasure.is_erasing:
                ErasureMark.objects.keep(erasure, [(str(holding.pk), keeper.mark_of_row(stream, external_id))])
                self.erasure.is_to_repeat |= self.erasure.phase == Phase.ROWS

    # Excerpts ---------------------------------------------------------------------------------------------------

    def blank_excerpts(self) -> int:
        """Of rows that could not be kept, the beginnings: cut as they are, nobody can tell whom they were about."""
        runs = StreamRun.objects.filter(sync__connection__workspace=self.erasure.workspace_id).exclude(unkept=[])
        piece = [*runs.filter(pk__gt=int(self.erasure.reached or 0)).order_by("pk")[:RUNS]]
        for run in piece:
            run.forget_excerpts()
            StreamRun.objects.filter(pk=run.pk).update(unkept=run.unkept)
        if len(piece) == RUNS:
            self.erasure.reached = str(piece[-1].pk)
        else:
            self.erasure.end()
            log.info("a person is erased", extra={"request": self.erasure.pk, "rows": self.erasure.rows})
        return len(piece) + 1


def stream_of(holding: Holding, key: str) -> Stream:
    """With its facts, or without any where the source offers it no more."""
    connection: Connection | None = getattr(holding, "connection", None) or holding.parted_from
    source = get_source(connection.source_key) if connection else None
    return (source and source.stream(key)) or Stream(key=key, name=key, path=key, envelope=key)


def longest_run(address: str) -> str:
    """Letters and digits that stand in a row beside one another, however it spells the signs between; or nothing."""
    for part in address.split("@"):
        runs = sorted(re.findall(r"[a-z0-9]+", part), key=len)
        if runs and len(runs[-1]) >= SHORTEST_RUN:
            return runs[-1]
    return ""


def lock(pks: Sequence[int]) -> bool:
    """Not waited for: a sync that writes some of them may want the others next."""
    locked = Record.objects.filter(pk__in=pks).select_for_update(skip_locked=True)
    return {*locked.values_list("pk", flat=True)} == {*pks}


def erase(records: Sequence[Record], holding: Holding, stream: Stream) -> None:
    """These rows, and what the log says of them."""
    if not records:
        return
    Record.objects.filter(pk__in=[one.pk for one in records]).delete()
    ids = [one.external_id for one in records]
    Change.objects.filter(holding=holding, stream=stream.key, external_id__in=ids).delete()
    RowCount.objects.note(
        holding,
        stream.key,
        -sum(one.deleted_at is None for one in records),
        stored=-sum(one.size > 0 for one in records),  # One without a size has not been counted yet.
        size=-sum(one.size for one in records),
    )


def blank(rows: Sequence[tuple[Record, Row]], holding: Holding, stream: Stream) -> None:
    """As a sync would store them now."""
    grown = 0
    for record, row in rows:
        changes = stored_as(row, stream)
        grown += changes["size"] - record.size if record.size else 0
        changes["size"] = changes["size"] if record.size else 0
        Record.objects.filter(pk=record.pk).update(**changes)
    RowCount.objects.note(holding, stream.key, 0, size=grown)


def stored_as(row: Row, stream: Stream) -> dict[str, Any]:
    text, reading = text_of(row), readers(stream.typed)
    typed = {name: reading[name](row) if name in reading else None for name in NAMES}
    typed |= {name: f"{typed[name]}+00:00" for name in MOMENTS if typed[name]}
    encoded = text.encode()
    return {"text": text, "size": len(encoded), "content_hash": hashlib.sha256(encoded).hexdigest(), **typed}
