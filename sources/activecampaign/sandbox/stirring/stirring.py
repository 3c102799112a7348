"""Single changes to the world's rows: one comes, is edited, is merged or goes, at the front, the middle or the end."""

from random import Random
from typing import Any, Literal

from sources.activecampaign.sandbox.world.resource import Resource
from sources.activecampaign.sandbox.world.table import Table
from sources.activecampaign.sandbox.world.world import World

ChangeKind = Literal["come", "change", "merge", "go", "shrink"]
Place = Literal["front", "middle", "end"]
KINDS: tuple[ChangeKind, ...] = ("come", "change", "merge", "go", "shrink")
PLACES: tuple[Place, ...] = ("front", "middle", "end")
SHARE = {"front": (0.0, 0.1), "middle": (0.1, 0.9), "end": (0.9, 1.0)}
EDITED = ("firstName", "title", "name", "tag", "note", "subject", "value", "jobTitle", "slug")
MOST_AT_ONCE = 30  # Rows that vanish together: more than the overlap of two pages, less than a page.
ZERO_TIME = "0000-00-00 00:00:00"


def stir(
    world: World, resource: Resource, *, kind: ChangeKind, where: Place, dice: Random, moment: int | None, word: str
) -> None:
    """Do one thing to the stream; nothing where too few rows are left for it. The caller holds the world's lock."""
    table, stream = world.table(resource.path), resource.path
    if kind == "come":
        world.insert(stream, identity=_free_id(table, where, dice), moment=moment)
    elif kind == "shrink":
        _shrink(world, table, dice)
    elif len(table.ids) > 1:
        identity = table.ids[_index(table, where, dice)]
        if kind in ("go", "merge"):
            world.remove(stream, identity)
        if kind in ("change", "merge"):
            edited = identity if kind == "change" else table.ids[_index(table, where, dice)]
            world.change(stream, edited, moment=moment, **_edit(resource, word, dice))


def _shrink(world: World, table: Table, dice: Random) -> None:
    """Several rows at the front at once: whatever stands behind them moves up by as many."""
    for identity in table.ids[: min(1 + int(dice.random() * MOST_AT_ONCE), len(table.ids) // 4)]:
        world.remove(table.resource.path, identity)


def _index(table: Table, where: Place, dice: Random) -> int:
    begin, end = SHARE[where]
    return min(int(len(table.ids) * (begin + dice.random() * (end - begin))), len(table.ids) - 1)


def _free_id(table: Table, where: Place, dice: Random) -> int | None:
    """An id that nobody has or had near that place; None, which is the next one, at the end or where no gap is."""
    if where == "end" or not table.ids:
        return None
    index = _index(table, where, dice)
    near = table.ids[index : index + 50]
    before = range(table.ids[0] - 1, 0, -1) if where == "front" else ()
    return next((one for one in (*before, *(one + 1 for one in near)) if _is_free(table, one)), None)


def _is_free(table: Table, identity: int) -> bool:
    return identity not in table and identity not in table.former_ids


def _edit(resource: Resource, word: str, dice: Random) -> dict[str, Any]:
    """A new text; now and then also what happens to rows of old accounts: dates of zeros or none, fewer columns."""
    column = next((name for name in EDITED if name in resource.shape), None)
    edit: dict[str, Any] = {column: word} if column else {}
    odd = dice.random()
    if odd < 0.1 and "isDisabled" in resource.shape:
        edit["isDisabled"] = True
    if odd < 0.05:
        edit |= {name: None for name in ("cdate", "udate") if name in resource.shape}
    elif odd < 0.1 and "sms_consent_updated_at" in resource.shape:
        edit["sms_consent_updated_at"] = ZERO_TIME
    return edit
