"""Walking a stream page by page so that nothing is missed while rows come and go."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sources.activecampaign.rows import Answer
from sources.errors import UnexpectedAnswer
from sources.spec import Cursor, Page

Read = Callable[[Mapping[str, str]], Answer]


@dataclass(frozen=True, kw_only=True, eq=False)
class Ask:
    """One call that a walk wants made. Two that ask for the same are still two."""

    params: Mapping[str, str]


PAGE_SIZE = 100  # The API's cap; smaller pages only spend more of the budget.
OVERLAP = 5  # Two neighbours that share a row missed nothing between them.
FARTHEST_OFFSET = 5_000_000  # No account holds as many; only a server that goes round in circles gets there.
UNKNOWN = 1000.0  # Calls that a stream is taken to need until it says how long it is: so it is asked early.


def keyset_walk(read: Read, cursor: Cursor | None) -> Iterator[Page]:
    """Pages of rows by rising id, each asking for what comes after the last id seen."""
    after = str(cursor["after"]) if cursor else "0"
    total = None
    while True:
        answer = read({"orders[id]": "ASC", "id_greater": after, "limit": str(PAGE_SIZE)})
        # Under `id_greater` a later total may count the whole or the rest; only the first is sure to mean the whole.
        total = answer.total if after == "0" else total
        last = answer.count < PAGE_SIZE
        after = after if last else _next_after(answer, after)
        yield Page(
            rows=answer.rows,
            cursor=None if last else {"after": after},
            total=total,
            unreadable=answer.unreadable,
        )
        if last:
            return


def _next_after(answer: Answer, after: str) -> str:
    ids = [int(key) for key in answer.rows if key.isdecimal()]
    if not ids or min(ids) <= int(after):
        raise same_page()
    return str(max(ids))


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a walk by offset stands: the page read last, and the ids on it (after a resume only the last five)."""

    offset: int
    next_offset: int
    ids: frozenset[str]
    repeats: int = 0

    @classmethod
    def at(cls, cursor: Cursor | None) -> "_Place":
        if not cursor:
            return cls(offset=0, next_offset=0, ids=frozenset())
        offset = int(cursor["offset"])
        return cls(
            offset=max(0, offset - PAGE_SIZE + OVERLAP), next_offset=offset, ids=frozenset(map(str, cursor["tail"]))
        )

    def after(self, answer: Answer) -> "_Place":
        """Raises UnexpectedAnswer when the same rows came three times: then the server does not heed the offset.

        Twice may be chance, when a page's worth of rows was inserted before it.
        """
        ids = frozenset(answer.rows)
        repeats = self.repeats + 1 if ids == self.ids else 0
        if repeats > 1 or self.next_offset > FARTHEST_OFFSET:
            raise same_page()
        return _Place(
            offset=self.next_offset,
            next_offset=self.next_offset + answer.count - OVERLAP,
            ids=ids,
            repeats=repeats,
        )

    def joins(self, answer: Answer) -> bool:
        return not self.ids or not self.ids.isdisjoint(answer.rows)


def offset_walk(read: Read, cursor: Cursor | None) -> Iterator[Page]:
    """Pages by offset, each beginning five rows before the end of the one before it."""
    place = _Place.at(cursor)
    while True:
        pieces, proven = _read_on(read, place)
        newest = pieces[-1]
        if newest.count < PAGE_SIZE:
            yield _page(pieces, cursor=None, proven=proven)
            return
        place = place.after(newest)
        tail = list(newest.rows)[-OVERLAP:]
        yield _page(pieces, cursor={"offset": place.next_offset, "tail": tail}, proven=proven)


def _read_on(read: Read, place: _Place) -> tuple[list[Answer], bool]:
    """The next page. If it shares no row with the one before, both once more: deleted rows had moved the rest up."""
    answer = _read_at(read, place.next_offset)
    if place.joins(answer):
        return [answer], True
    earlier = _read_at(read, place.offset)
    if earlier.count < PAGE_SIZE:
        return [earlier], place.joins(earlier)
    later = _read_at(read, place.next_offset)
    return [earlier, later], place.joins(earlier) and not earlier.rows.keys().isdisjoint(later.rows)


def _read_at(read: Read, offset: int) -> Answer:
    return read({"limit": str(PAGE_SIZE), "offset": str(offset)})


def _page(pieces: list[Answer], *, cursor: Cursor | None, proven: bool) -> Page:
    return Page(
        rows={key: row for piece in pieces for key, row in piece.rows.items()},
        cursor=cursor,
        total=pieces[-1].total,
        unreadable=pieces[-1].unreadable,
        seam_proven=proven,
    )


def same_page() -> UnexpectedAnswer:
    return UnexpectedAnswer("ActiveCampaign kept sending the same page.", code="same_page")
