"""Walking a stream page by page so that nothing is missed while rows come and go."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sources.activecampaign.rows import Answer
from sources.errors import UnexpectedAnswer
from sources.spec import Cursor, Page

Read = Callable[[Mapping[str, str]], Answer]

PAGE_SIZE = 100  # The API's cap; smaller pages only spend more of the budget.
OVERLAP = 5  # Two neighbours that share a row missed nothing between them.
FARTHEST_OFFSET = 5_000_000  # No account holds as many; only a server that goes round in circles gets there.


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
        raise _same_page()
    return str(max(ids))


@dataclass(frozen=True, kw_only=True)
class _Seam:
    """What is known of the page before: where it began, and its rows' ids (after a resume only the last five)."""

    offset: int
    ids: frozenset[str]

    def joins(self, answer: Answer) -> bool:
        return not self.ids or not self.ids.isdisjoint(answer.rows)


def offset_walk(read: Read, cursor: Cursor | None) -> Iterator[Page]:
    """Pages by offset, each beginning five rows before the end of the one before it."""
    offset = int(cursor["offset"]) if cursor else 0
    before = _Seam(offset=max(0, offset - PAGE_SIZE + OVERLAP), ids=frozenset(cursor["tail"] if cursor else ()))
    while offset <= FARTHEST_OFFSET:
        answer = _read_at(read, offset)
        pieces, proven = [answer], before.joins(answer)
        if not proven:
            pieces, proven = _read_seam_again(read, before, offset)
            answer = pieces[-1]
        if _is_repeated(answer, before):
            raise _same_page()
        advance = answer.count - OVERLAP
        before = _Seam(offset=offset, ids=frozenset(answer.rows))
        last = answer.count < PAGE_SIZE
        offset += advance
        yield _page(pieces, cursor=None if last else _cursor(offset, answer), proven=proven)
        if last:
            return
    raise _same_page()


def _read_at(read: Read, offset: int) -> Answer:
    return read({"limit": str(PAGE_SIZE), "offset": str(offset)})


def _read_seam_again(read: Read, before: _Seam, offset: int) -> tuple[list[Answer], bool]:
    """Both pages of a seam that shares no row, once more; rows that were deleted had moved the later ones forward."""
    earlier = _read_at(read, before.offset)
    if earlier.count < PAGE_SIZE:
        return [earlier], before.joins(earlier)
    later = _read_at(read, offset)
    between = _Seam(offset=before.offset, ids=frozenset(earlier.rows))
    return [earlier, later], before.joins(earlier) and between.joins(later)


def _is_repeated(answer: Answer, before: _Seam) -> bool:
    return answer.count >= PAGE_SIZE and before.ids == frozenset(answer.rows)


def _cursor(offset: int, answer: Answer) -> Cursor:
    return {"offset": offset, "tail": list(answer.rows)[-OVERLAP:]}


def _page(pieces: list[Answer], *, cursor: Cursor | None, proven: bool) -> Page:
    rows = {key: row for piece in pieces for key, row in piece.rows.items()}
    return Page(
        rows=rows,
        cursor=cursor,
        total=pieces[-1].total,
        unreadable=pieces[-1].unreadable,
        seam_proven=proven,
    )


def _same_page() -> UnexpectedAnswer:
    return UnexpectedAnswer("ActiveCampaign kept sending the same page.", code="same_page")
