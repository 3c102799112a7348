"""The way through lists that stand within the rows of another stream: those of all its parents, some side by side."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sources.activecampaign.rows import Answer
from sources.activecampaign.walks import ListWalk
from sources.activecampaign.ways import Ask, Neighbours
from sources.errors import NotPermitted
from sources.spec import Cursor, Page, Row, Stream

SIDE_BY_SIDE = 8  # Lists, most of which take one call.
MOST_PASSES = 8  # observed: MF (A): three were needed until a restless list had shown all it had.
GONE = "gone"


def within(stream: Stream, parent: str) -> Stream:
    """The list of that parent."""
    return replace(stream, path=stream.path.format(parent=parent)) if stream.nested else stream


def of_parent(answer: Answer, parent: str) -> Answer:
    """The answer with its rows under the ids that they have among those of all parents."""
    named: Mapping[str, Row] = {f"{parent}/{key}": row for key, row in answer.rows.items()}
    return replace(answer, rows=named, marks=tuple(f"{parent}/{mark}" for mark in answer.marks))


@dataclass
class _List:
    """One parent's list, and what it has shown so far, where that is needed for knowing whether it is all."""

    walk: ListWalk
    seen: set[str] = field(default_factory=set)
    fresh: int = 0
    passes: int = 1


class NestedWalk:
    """A walk for `sources.pulling`.

    A restless list is read until a pass brings nothing that those before had not. A parent without such a list may
    have gone meanwhile; where none has one, the account does not offer it: then `hear` raises NotPermitted.
    """

    def __init__(
        self, parents: Sequence[str], cursor: Cursor | None = None, *, is_restless: bool, neighbours: Neighbours
    ) -> None:
        state = cursor or {"left": [*parents], "begun": {}, "answered": False}
        self._is_restless, self._neighbours = is_restless, neighbours
        self._left = deque(state["left"])
        self._was_answered: bool = state["answered"]
        self._lists = {parent: _List(self._walk(place)) for parent, place in state["begun"].items()}
        self._asked: dict[Ask, tuple[str, Ask]] = {}

    def _walk(self, cursor: Cursor | None = None) -> ListWalk:
        return ListWalk(cursor, is_whole=False, neighbours=self._neighbours)

    @property
    def is_over(self) -> bool:
        return not (self._left or self._lists)

    @property
    def remaining(self) -> float:
        return sum(one.walk.remaining for one in self._lists.values()) + len(self._left)

    @property
    def cursor(self) -> Cursor:
        """What a restless list has shown is not kept: after a kill it begins anew."""
        begun = {} if self._is_restless else {parent: one.walk.cursor for parent, one in self._lists.items()}
        again = [*self._lists] if self._is_restless else []
        return {"left": [*again, *self._left], "begun": begun, "answered": self._was_answered}

    def ask(self, *, may_split: bool = True) -> Ask | None:
        for parent, one in self._lists.items():
            if (ask := one.walk.ask(may_split=may_split)) is not None:
                return self._note(parent, ask)
        if not self._left or len(self._lists) >= SIDE_BY_SIDE:
            return None
        parent = self._left.popleft()
        self._lists[parent] = _List(self._walk())
        return self.ask(may_split=may_split)

    def _note(self, parent: str, ask: Ask) -> Ask:
        named = replace(ask, parent=parent, of=f"{ask.of} of {parent}")
        self._asked[named] = parent, ask
        return named

    def hear(self, ask: Ask, answer: Answer) -> Page:
        """Raises UnexpectedAnswer, and NotPermitted."""
        parent, inner = self._asked.pop(ask)
        one = self._lists.get(parent)
        if answer.failure and answer.failure.code == GONE:
            self._lists.pop(parent, None)
            if self.is_over and not self._was_answered:
                raise NotPermitted(str(answer.failure), code="not_offered")
            return self._page(Page(rows={}, cursor=None))
        self._was_answered = True
        if one is None:
            return self._page(Page(rows=answer.rows, cursor=None, repeated=len(answer.rows)))
        page = one.walk.hear(inner, answer)
        if self._is_restless:
            page = self._weighed(one, page)
        if one.walk.is_over:
            self._end(parent, one)
        return self._page(page)

    def _weighed(self, one: _List, page: Page) -> Page:
        """That two of its pages share rows proves nothing, and that they do not neither."""
        fresh = page.rows.keys() - one.seen
        one.seen |= fresh
        one.fresh += len(fresh)
        is_last = one.walk.is_over and one.passes >= MOST_PASSES
        return replace(page, repeated=len(page.rows) - len(fresh), seam_proven=not (is_last and one.fresh))

    def _end(self, parent: str, one: _List) -> None:
        if self._is_restless and one.fresh and one.passes < MOST_PASSES:
            one.walk, one.fresh, one.passes = self._walk(), 0, one.passes + 1
        else:
            del self._lists[parent]

    def _page(self, page: Page) -> Page:
        """How many rows all lists have nobody says."""
        return replace(page, cursor=None if self.is_over else self.cursor, total=None)
