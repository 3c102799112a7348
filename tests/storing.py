"""Rows as a sync stores them, without a sync."""

from collections.abc import Mapping

from connections.models import Holding, Record
from connections.models.change import Memory
from connections.models.record import row_texts
from connections.models.upsert import Tally
from sources.spec import Row, Stream


def store_page(
    holding: Holding, stream: Stream, rows: Mapping[str, Row], *, address: str, memory: Memory | None = None
) -> Tally:
    return Record.objects.store(holding, stream, row_texts(rows, stream=stream, address=address), memory=memory)
