"""What `include=` brings along with a page of contacts, deals or accounts: rows that else are lists of their own.

Observed on live accounts by several programs (JV, AD, FC, EI, MF; B): the arrays stand beside the list, and each row of
it names the ids of what belongs to it. What is not known is ignored. An array may be missing on a page (4G, D).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from json import JSONDecoder
from typing import Any

from sources.activecampaign.options import with_options
from sources.activecampaign.rows import Answer, id_of
from sources.spec import Along, Row, Stream, TextRow, text_of

# No cap of what comes along was seen, with up to 690 rows to a hundred; were there one, it would be a round number, and
# the rows might not name what it cut off.
ROUND, ROUND_FOR_ONE = 100, (20, 25, 50)
TYPED_VALUES = ("text_value", "text_blob", "date_value", "number_value", "currency_value")


@dataclass(frozen=True, kw_only=True)
class _Included:
    """How a stream comes along: under which name, whose `include` name the rows beside it then have as a field, too.

    `is_shown_anyway`: they have that field without being asked, so it stays. `shape` makes one shape of the two that a
    row comes in, in its own list and beside its parent.
    """

    array: str
    is_shown_anyway: bool = False
    shape: Callable[[Row], Row] | None = None


def value_of(thing: str, beside: str) -> Callable[[Row], Row]:
    """A custom field's value of a deal or an account.

    Its list has the value as one text, beside its parent it has a column for each type (EI, CA, WW; AD, MF: B).
    """

    def shape(row: Row) -> Row:
        if beside not in row:
            owner, of_field, value = row.get(f"{thing}Id"), row.get("customFieldId"), row.get("fieldValue")
            created, updated = row.get("createdTimestamp"), row.get("updatedTimestamp")
        else:
            typed = (row.get(f"custom_field_{name}") for name in TYPED_VALUES)
            value = next((one for one in typed if one is not None), None)
            owner, of_field = row[beside], row.get("custom_field_id")
            created, updated = row.get("created_timestamp"), row.get("updated_timestamp")
        return {
            "id": str(row.get("id")),
            f"{thing}Id": _as_text(owner),
            "customFieldId": _as_text(of_field),
            "fieldValue": value,
            "createdTimestamp": created,
            "updatedTimestamp": updated,
        }

    return shape


def _as_text(value: Any) -> Any:
    """Ids are numbers in the one shape and texts in the other."""
    return str(value) if isinstance(value, int) else value


INCLUDED: Mapping[str, _Included] = {
    "fieldValues": _Included(array="fieldValues"),
    "contactTags": _Included(array="contactTags"),
    "contactLists": _Included(array="contactLists"),
    "contactAutomations": _Included(array="contactAutomations"),
    "accountContacts": _Included(array="accountContacts", is_shown_anyway=True),
    "dealCustomFieldData": _Included(array="dealCustomFieldData", shape=value_of("deal", "deal_id")),
    "accountCustomFieldData": _Included(
        array="customerAccountCustomFieldData", shape=value_of("account", "customer_account_id")
    ),
}


class Sideloads:
    """The streams that are to come along with one walk. May be used by several threads at once."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._streams = [stream for stream in streams if stream.key in INCLUDED]
        self._given_up: frozenset[str] = frozenset()
        self._longest: dict[str, int] = {}

    @property
    def params(self) -> dict[str, str]:
        return {"include": ",".join(stream.key for stream in self._streams)} if self._streams else {}

    def taken_from(self, body: Row, answer: Answer) -> Answer:
        """The answer with what came along, and its rows as they would have come without."""
        if not self._streams:
            return answer
        added = frozenset(one.key for one in self._streams if not INCLUDED[one.key].is_shown_anyway)
        along = {stream.key: _along(stream, body, answer.rows) for stream in self._streams}
        self._longest |= {key: max(len(one.rows), self._longest.get(key, 0)) for key, one in along.items()}
        return replace(answer, rows={key: without(row, added) for key, row in answer.rows.items()}, along=along)

    def are_wanting(self, answer: Answer) -> bool:
        """Whether to ask once more for what did not come along as it should: of each stream once that is in vain."""
        return not self._wanting(answer) <= self._given_up

    def heard_again(self, answer: Answer) -> Answer:
        self._given_up |= self._wanting(answer)
        return answer

    def may_be_cut(self, answer: Answer) -> bool:
        return any(self._is_suspect(key, along) for key, along in answer.along.items())

    def second_half(self, params: Mapping[str, str], answer: Answer) -> dict[str, str]:
        """What to ask for to see whether the array ends where it does because it is cut there."""
        before = answer.count // 2
        offset = str(int(params.get("offset", "0")) + before)
        return {**params, "offset": offset, "limit": str(max(1, answer.count - before))}

    def judged(self, answer: Answer, half: Answer) -> Answer:
        """Of an array of a round length nothing is complete unless the later rows have the same along by themselves."""
        along = {
            key: replace(one, complete={}) if self._is_suspect(key, one) and not _confirms(half, key, one) else one
            for key, one in answer.along.items()
        }
        return replace(answer, along=along)

    def _is_suspect(self, key: str, along: Along) -> bool:
        """Of a round length, while no longer array came of that stream: one that did shows that none is cut there."""
        return _is_round(along) and len(along.rows) >= self._longest.get(key, 0)

    def _wanting(self, answer: Answer) -> frozenset[str]:
        return frozenset(key for key, along in answer.along.items() if not along.is_proven)


NOTHING_BESIDE = Sideloads(())


def attributes_up(row: Row) -> Row:
    """What JSON:API puts one level deeper, as all other lists have it. Observed: NL."""
    attributes = row.get("attributes")
    return {"id": row.get("id"), **attributes} if isinstance(attributes, dict) else row


SHAPES: Mapping[str, Callable[[Row], Row]] = {
    "audiences": attributes_up,
    **{key: included.shape for key, included in INCLUDED.items() if included.shape},
}


def in_shape(stream: Stream, body: Row, answer: Answer) -> Answer:
    """The answer of a list whose rows come in another shape elsewhere, or in two parts, as they are kept."""
    answer = with_options(stream, body, answer)
    shape = SHAPES.get(stream.key)
    return answer if shape is None else replace(answer, rows={key: shape(row) for key, row in answer.rows.items()})


def _along(stream: Stream, body: Row, parents: Mapping[str, Row]) -> Along:
    included = INCLUDED[stream.key]
    array = body.get(included.array, [])
    listed = array if isinstance(array, list) else []
    keyed = [(id_of(row), row) for row in listed]
    shape = included.shape or _as_it_is
    rows = {key: shape(row) for key, row in keyed if key}
    came = _by_parent(stream, rows)
    named = {parent: _ids(row.get(stream.key, row.get(included.array))) for parent, row in parents.items()}
    exact = {parent: ids for parent, ids in named.items() if ids is not None and ids == came.get(parent, frozenset())}
    return Along(
        rows=rows,
        complete={parent: ids for parent, ids in exact.items() if not _is_round_for_one(len(ids))},
        is_proven=len(exact) == len(parents) and all(key for key, _ in keyed),
    )


def _as_it_is(row: Row) -> Row:
    return row


def _by_parent(stream: Stream, rows: Mapping[str, Row]) -> dict[str, frozenset[str]]:
    column = stream.sideload.column if stream.sideload else ""
    found: dict[str, set[str]] = {}
    for key, row in rows.items():
        found.setdefault(str(row.get(column)), set()).add(key)
    return {parent: frozenset(ids) for parent, ids in found.items()}


def _ids(named: Any) -> frozenset[str] | None:
    """None where the row does not say what belongs to it."""
    if not isinstance(named, list):
        return None
    ids = frozenset(str(one) for one in named)
    return ids if len(ids) == len(named) else None


def _is_round(along: Along) -> bool:
    return bool(along.rows) and len(along.rows) % ROUND == 0


def _is_round_for_one(rows: int) -> bool:
    return rows in ROUND_FOR_ONE or (rows > 0 and rows % ROUND == 0)


def _confirms(half: Answer, key: str, along: Along) -> bool:
    alone = half.along[key]
    is_the_same = alone.complete.items() <= along.complete.items()
    return bool(alone.complete) and alone.is_proven and is_the_same and len(alone.rows) < len(along.rows)


_value = JSONDecoder().raw_decode


def without(row: Row, names: Iterable[str]) -> Row:
    """The row as it would have come without these fields, to the letter."""
    left_out = {name for name in names if name in row}
    if not left_out:
        return row
    text, kept = text_of(row), list[str]()
    at = 1
    while text[at] == '"':
        name, end = _value(text, at)
        _, end = _value(text, end + 1)
        if name not in left_out:
            kept.append(text[at:end])
        at = end + 1
        if end >= len(text) - 1:
            break
    return TextRow({name: value for name, value in row.items() if name not in left_out}, f"{{{','.join(kept)}}}")
