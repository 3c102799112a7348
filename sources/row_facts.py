"""What a Source declares about the fields of a stream's rows: what stands beside them, and what tells of people."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which fields of a row give the typed columns that stand beside its text, where it is stored.

    `label` is what people call the row: these fields joined, or the one in `label_else` where all are empty. `search`
    are the fields that people look for it by; without any, the label's. Moments without a zone are in `zone`. An
    `amount` is a whole number of the smallest parts of its unit, of which it has `scale` digits: 2 are hundredths.
    `choice` is a code that people filter by. `parent` is the id of the row that this one belongs to, `related` that of
    another one that it joins to that, `owner` that of the account's user who has it.

    Whoever changes the facts of a stream raises its `version`: by that its rows of before are filled anew.
    """

    version: int = 0
    label: tuple[str, ...] = ()
    label_else: str = ""
    search: tuple[str, ...] = ()
    happened_at: str = ""
    ended_at: str = ""
    zone: str = "UTC"
    amount: str = ""
    scale: int = 2
    currency: str = ""
    choice: str = ""
    parent: str = ""
    related: str = ""
    owner: str = ""


@dataclass(frozen=True)
class Reference:
    """A field that holds the id of a person's row in another stream; of some rows alone, where `only_if` says which.

    `only_if` is another field, and what it holds then, in whatever case.
    """

    field: str
    stream: str
    only_if: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Personal:
    """What a stream's rows tell of people outside, and what of them goes when a person is erased.

    `holds` says it in words; without any, they tell of nobody. A row goes as a whole when one of its `address` fields
    holds the person's e-mail address, or when it refers to a row of theirs by `belongs_to`. What `is_person` is a row
    that others refer to. Of one that `is_kept` the references and the fields of `blanked` are emptied instead.
    Wherever else an address of theirs stands in a row, that address alone is blanked.
    """

    holds: str = ""
    address: tuple[str, ...] = ()
    is_person: bool = False
    belongs_to: tuple[Reference, ...] = ()
    is_kept: bool = False
    blanked: tuple[str, ...] = ()
