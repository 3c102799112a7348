"""One stream's walk: by id where the API can, else by offset. Complete is what was seen to its end without a gap."""

from dataclasses import asdict

from sources.activecampaign.by_id import ById
from sources.activecampaign.by_offset import ByOffset
from sources.activecampaign.headings import Heading, heading_from
from sources.activecampaign.rows import Answer
from sources.activecampaign.ways import Ask, Blocked, Facts, Heard, Neighbours, Unheeded, Way
from sources.spec import Cursor, Page, Unkept

FORM = 2  # Of a cursor. One of another form begins the stream anew.


class ListWalk:
    """A walk for `sources.pulling`.

    Where ids are not heeded it goes on by offset, from the start, and where its `heading` is not, by the next best one.
    When the calls are narrowed to what changed, `is_whole` is off: then a row that is missing is not gone. Walks over
    lists of one account share `neighbours`.
    """

    def __init__(
        self,
        cursor: Cursor | None = None,
        *,
        by_id: bool = False,
        is_whole: bool = True,
        neighbours: Neighbours | None = None,
        heading: Heading | None = None,
    ) -> None:
        state = cursor if cursor and cursor.get("form") == FORM else {}
        self._is_whole = is_whole
        self._neighbours = neighbours or Neighbours()
        self._facts = Facts(**state.get("facts", {}))
        self._heading = heading_from(state.get("heading", {})) if state or heading is None else heading
        self._told: int = state.get("told", 0)
        self._was_denied: bool = state.get("denied", False)
        self._way = self._begin(by_id=state.get("by_id", by_id), place=state.get("place"))
        self._on_their_way: dict[Ask, Way] = {}
        self._before_the_end: Cursor | None = None

    def _begin(self, *, by_id: bool, place: Cursor | None = None) -> Way:
        self._by_id = by_id
        if by_id:
            return ById(self._facts, place)
        return ByOffset(self._facts, place, neighbours=self._neighbours, heading=self._heading)

    @property
    def is_over(self) -> bool:
        """An answer that is on its way when the end is seen may show a row as it is only now, and is heard, too."""
        return self._way.is_over and not self._on_their_way

    @property
    def cursor(self) -> Cursor:
        return self._before_the_end or {
            "form": FORM,
            "by_id": self._by_id,
            "place": self._way.place,
            "facts": asdict(self._facts),
            "told": self._told,
            "denied": self._was_denied,
            "heading": self._heading.as_json,
        }

    @property
    def remaining(self) -> float:
        return max(1.0, self._way.calls_left)

    def ask(self, *, may_split: bool = True) -> Ask | None:
        ask = None if self._way.is_over else self._way.ask(may_split=may_split)
        if ask is not None:
            self._on_their_way[ask] = self._way
        return ask

    def hear(self, ask: Ask, answer: Answer) -> Page:
        """Raises UnexpectedAnswer when no row can be read."""
        before, odd = self.cursor, self._facts.name_odd(ask, answer)
        self._neighbours.note(answer)
        if self._on_their_way.pop(ask) is not self._way or self._way.is_over:
            return self._late(answer, odd)
        self._facts.seen += len(odd) if self._by_id else 0
        try:
            heard = self._way.hear(ask, answer)
        except Unheeded as why:
            self._facts.goes_by_ids = isinstance(why, Blocked)
            heard = self._begin_anew()
        is_denied = self._is_denied()
        if is_denied and not self._facts.seen and not self._was_denied:
            self._was_denied, is_denied = True, False
            self._way = self._begin(by_id=self._by_id)
        repeated = len(answer.rows) - self._tell()
        is_awaited = self._way.is_over and self._on_their_way
        # What was told is told, also if the end is asked for again.
        self._before_the_end = before | {"told": self._told} if is_awaited else None
        return Page(
            rows=answer.rows,
            cursor=None if self.is_over else self.cursor,
            total=self._facts.whole,
            unkept=(*odd, *heard.unkept),
            repeated=repeated,
            seam_proven=heard.is_proven and not is_denied and not self._lacks(),
            along=answer.along,
            bookmark=self._heading.bookmark if self.is_over else None,
        )

    def _late(self, answer: Answer, odd: tuple[Unkept, ...]) -> Page:
        """Of a way that has ended, or was given up: it proves nothing and counts nothing."""
        return Page(
            rows=answer.rows,
            cursor=None if self.is_over else self.cursor,
            total=self._facts.whole,
            unkept=odd,
            repeated=len(answer.rows),
            along=answer.along,
            bookmark=self._heading.bookmark if self.is_over else None,
        )

    def _begin_anew(self) -> Heard:
        """By offset, and where that was the way already, along another heading."""
        self._heading = self._heading if self._by_id else self._heading.next_best()
        self._facts.seen = self._facts.kept = self._facts.passed = 0
        self._way = self._begin(by_id=False)
        return Heard()

    def _is_denied(self) -> bool:
        """No row to keep, of a list that has some or says so: that is no proof that the rows are gone."""
        has_some = self._facts.seen or self._facts.total
        return self._is_whole and self._way.is_over and not self._facts.kept and bool(has_some)

    def _lacks(self) -> bool:
        """At the end there were fewer rows than the way that was left had shown: so this one does not show all."""
        return self._way.is_over and self._facts.kept < self._told

    def _tell(self) -> int:
        """How many rows are told for the first time; on a way that began anew none is until it is further."""
        told, self._told = self._told, max(self._told, self._facts.kept)
        return self._told - told
