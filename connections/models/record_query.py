"""Which rows are meant: looked for by words, narrowed by what stands in their columns, in an order, from a place on.

Each way of narrowing and each order has an index that begins with the holding and the stream. What would take two of
them at once is narrowed by the one that leaves few rows; where none does, a walk in the wanted order soon meets a page.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, Self

from django.db import connections, models
from django.db.models import Count, Q
from django.db.models.functions import Length

from connections.models.columns import folded
from sources.spec import Stream

FEW = 2000  # Rows that are sorted and filtered as they are: some milliseconds.
MOST_COUNTED = 10_000  # A page waits for no count beyond that.
SHORTEST_INSIDE = 3  # Letters: fewer are no trigram, and are looked for where words begin.
BY_WORDS = "record_by_words"  # The index of trigrams, where the database may have it.

Order = Literal["id", "search", "happened_at", "amount"]


@dataclass(frozen=True, kw_only=True)
class Hanging:
    """Rows of another stream whose parent is the row that is meant, and that join it to this one."""

    stream: str
    related: str
    choice: str = ""


@dataclass(frozen=True, kw_only=True)
class Sought:
    """What all rows that are meant have in common.

    Words, how an address begins, columns that equal something, a time, what hangs on them, and `more` that others know.
    """

    words: str = ""
    email: tuple[str, str] | None = None  # Its field, and the letters, folded.
    equal: Sequence[tuple[str, str]] = ()
    since: datetime | None = None
    until: datetime | None = None
    hanging: Sequence[Hanging] = ()
    more: Sequence[Q] = ()
    with_gone: bool = False

    @property
    def narrows(self) -> bool:
        return bool(self.words or self.email or self.equal or self.since or self.until or self.hanging or self.more)


@dataclass(frozen=True, kw_only=True)
class Place:
    """In an order, and behind a row in it."""

    order: Order = "id"
    is_falling: bool = True
    after: Any = None

    @property
    def sign(self) -> str:
        return "lt" if self.is_falling else "gt"

    def by(self, *names: str) -> list[str]:
        return [f"-{name}" if self.is_falling else name for name in names]


class RecordQuery(models.QuerySet[Any]):
    def living(self) -> Self:
        return self.filter(deleted_at=None)

    def in_id_order(self) -> Self:
        """Ids are texts, mostly of digits: the shorter is the smaller number."""
        return self.order_by(Length("external_id"), "external_id")

    def labels(self, stream: str, ids: Sequence[str]) -> dict[str, str]:
        """What people call these rows of one stream, by their ids: empty where nothing names one that is stored."""
        if not ids:
            return {}
        found = self.filter(stream=stream, external_id__in=[*ids]).values_list("external_id", "label")
        return {external_id: label or "" for external_id, label in found}

    def names(self, stream: Stream, ids: Sequence[str]) -> dict[str, str]:
        """As `labels`; with what they belong to, where several are called alike and the facts say that this tells."""
        found, above = self.labels(stream.key, ids), stream.facts.filling("parent")
        if not found or above is None or not stream.facts.is_told_by_parent:
            return found
        rows = self.living().filter(stream=stream.key).order_by()
        alike = [*rows.values("label").annotate(count=Count("pk")).filter(count__gt=1).values_list("label", flat=True)]
        parents = dict(rows.filter(external_id__in=[*found], label__in=alike).values_list("external_id", "parent"))
        names = self.labels(above.of, [*filter(None, parents.values())])
        return found | {one: f"{found[one]} ({names[at]})" for one, at in parents.items() if names.get(at or "")}

    def moments(self, stream: str, ids: Sequence[str]) -> dict[str, datetime]:
        """When these rows of one stream happened, by their ids, as far as they tell."""
        found = self.filter(stream=stream, external_id__in=[*ids], happened_at__isnull=False) if ids else self.none()
        return dict(found.values_list("external_id", "happened_at"))

    def sought(self, sought: Sought, *, among: Self | None = None) -> Self:
        """Of one stream; `among` are all rows that may hang on them."""
        rows = self if sought.with_gone else self.living()
        conditions = [*self._conditions(sought, self if among is None else among)]
        for one in conditions:
            few = [*rows.filter(one).order_by().values_list("pk", flat=True)[: FEW + 1]]
            if len(few) <= FEW:
                return rows.filter(*(other for other in conditions if other is not one), pk__in=few)
        return rows.filter(*conditions)

    def _conditions(self, sought: Sought, among: Self) -> Iterator[Q]:
        yield from (Q(**{column: value}) for column, value in sought.equal)
        if sought.since or sought.until:
            times = {"happened_at__gte": sought.since, "happened_at__lt": sought.until}
            yield Q(**{lookup: moment for lookup, moment in times.items() if moment})
        yield from (among._are_joined(one) for one in sought.hanging)
        yield from sought.more
        if sought.email:
            yield has_email(*sought.email)
        if words := folded(sought.words).split():
            # Together: each of two names may have many, and both hardly any.
            yield Q(*map(self._holds, words))

    def _are_joined(self, hanging: Hanging) -> Q:
        """By a look that is the same for all rows: asked for each, SQLite would read all that joins to this one."""
        joining = self.living().filter(stream=hanging.stream, related=hanging.related)
        joining = joining.filter(choice=hanging.choice) if hanging.choice else joining
        return Q(external_id__in=joining.values("parent"))

    def _holds(self, word: str) -> Q:
        """Anywhere in what is looked into, as far as an index finds it. The comparison leads SQLite to its own."""
        looked_into = Q(search__gt="")
        if not finds_inside(self.db):
            return looked_into & Q(search__startswith=word)
        if len(word) < SHORTEST_INSIDE:
            return looked_into & (Q(search__startswith=word) | Q(search__contains=f" {word}"))
        return looked_into & Q(search__contains=word)

    def count_some(self) -> int:
        """How many there are, and one more than `MOST_COUNTED` where they are more."""
        return self.order_by()[: MOST_COUNTED + 1].count()

    def first_of(self, place: Place, count: int) -> list[tuple[int, int]]:
        """So many rows from this place on, each by its key and its size."""
        return [(one.pk, one.size) for one in self.keys_of(place, count)]

    def keys_of(self, place: Place, count: int) -> list[Any]:
        """The same; each also knows its own place, behind which others are."""
        names = ["pk", "size", "external_id", *([] if place.order == "id" else [place.order])]
        found: list[Any] = []
        for some in self._ahead(place):
            if len(found) < count:
                found += some.values_list(*names, named=True)[: count - len(found)]
        return found

    def _ahead(self, place: Place) -> Iterator[Self]:
        """In statements of their own: no database would find the place in its index by a value and an id at once."""
        if place.order == "id":
            yield from self._ahead_by_id(place)
            return
        rows = self.order_by(*place.by(place.order, "external_id"))
        groups = (
            [Q(search__gt=""), Q(search="")] if place.order == "search" else [Q(**{f"{place.order}__isnull": False})]
        )
        groups.append(Q(**{f"{place.order}__isnull": True}))
        if place.after is not None:
            value = getattr(place.after, place.order)
            reached, *groups = groups[0 if value or value == 0 else -1 if value is None else 1 :]
            behind = {f"external_id__{place.sign}": place.after.external_id}
            if value or value == 0:
                yield rows.filter(**{place.order: value}, **behind)
                yield rows.filter(reached, **{f"{place.order}__{place.sign}": value})
            else:
                yield rows.filter(reached, **behind)
        yield from (rows.filter(group) for group in groups)

    def _ahead_by_id(self, place: Place) -> Iterator[Self]:
        rows = self.alias(digits=Length("external_id")).order_by(*place.by("digits", "external_id"))
        if place.after is None:
            yield rows
            return
        last = place.after.external_id
        yield rows.filter(digits=len(last), **{f"external_id__{place.sign}": last})
        yield rows.filter(**{f"digits__{place.sign}": len(last)})


def has_email(field: str, letters: str) -> Q:
    """A word that begins so and has an @, by the index of words, and no other field's: the text that came decides.

    Of an address that is not plain letters it is left to the words. SQLite asks Python about each expression, so it is
    asked of those alone that have the letters anywhere; the words' comparison leads it to its own index.
    """
    word = f"(^| ){re.escape(letters)}{'' if '@' in letters else '[^ ]*@'}"
    came = rf'"{re.escape(field)}":"({re.escape(letters)}|[^"]*(\\|[^ -~]))'
    return Q(search__gt="") & Q(search__contains=letters) & Q(search__regex=word) & Q(text__iregex=came)


@cache
def finds_inside(using: str) -> bool:
    """Whether words are found in the middle of what is looked into. SQLite reads its own index through."""
    database = connections[using]
    if database.vendor != "postgresql":
        return True
    with database.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [BY_WORDS])
        return bool(cursor.fetchone()[0])
