"""What a Source declares about its rows that tells of people."""

from dataclasses import dataclass


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
    Wherever else an address of theirs stands in a row, that address alone is blanked. What is `left_out` is stored of
    nobody, unless somebody chooses to.
    """

    holds: str = ""
    address: tuple[str, ...] = ()
    is_person: bool = False
    belongs_to: tuple[Reference, ...] = ()
    is_kept: bool = False
    blanked: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
