"""Short ways to say what stands in a column: for the kinds of record whose rows need no thought of their own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sources.activecampaign.sandbox.world import words
from sources.activecampaign.sandbox.world.moments import iso, plain
from sources.activecampaign.sandbox.world.resource import Drawing, Resource, Row

Column = Callable[[Drawing], Any]


def created(drawing: Drawing) -> str:
    return iso(drawing.created)


def changed(drawing: Drawing) -> str:
    return iso(drawing.changed)


def created_plain(drawing: Drawing) -> str:
    return plain(drawing.created)


def changed_plain(drawing: Drawing) -> str:
    return plain(drawing.changed)


def place(drawing: Drawing) -> str:
    return str(drawing.position + 1)


def email(drawing: Drawing) -> str:
    return f"guest.{drawing.some_id('contacts')}@teamail.example"


def tea(drawing: Drawing) -> str:
    return drawing.pick(words.TEAS)


def of(stream: str) -> Column:
    """The id of any row of another stream."""
    return lambda drawing: drawing.some_id(stream)


def tied(column: str) -> Column:
    """What the row's outline has there."""
    return lambda drawing: drawing.ties[column]


def upto(most: int) -> Column:
    return lambda drawing: str(drawing.number(most))


def one_of(*things: Any) -> Column:
    return lambda drawing: drawing.pick(things)


def in_turn(things: Sequence[Any]) -> Column:
    """The first row has the first, and so on."""
    return lambda drawing: things[drawing.position % len(things)]


def same_as(column: str) -> str:
    """For `shaped`: what stands in that column stands here again, as relations do in this API."""
    return f"={column}"


def share(*, contacts: float = 0, deals: float = 0, fixed: int = 0) -> Callable[[int, int], int]:
    """How many rows there are, by how many contacts and deals the account has."""
    return lambda people, sales: fixed + round(people * contacts + sales * deals)


def shaped(path: str, single: str, model: str, columns: Mapping[str, Any], **facts: Any) -> Resource:
    """A kind of record by its columns: each a constant, a way to draw it, or `same_as` another."""
    columns = columns if "id" in columns else {**columns, "links": {}, "id": ""}
    columns = {name: tied(name) if name in facts.get("spread", ()) else what for name, what in columns.items()}
    twins = {name: what[1:] for name, what in columns.items() if isinstance(what, str) and what.startswith("=")}
    drawn = {name: what for name, what in columns.items() if callable(what)}

    def draw(drawing: Drawing) -> Row:
        row = {name: column(drawing) for name, column in drawn.items()}
        return row | {name: row[other] for name, other in twins.items()}

    shape = {name: "" if name in drawn or name in twins else what for name, what in columns.items()}
    return Resource(path=path, single=single, model=model, shape=shape, draw=draw, **facts)
