"""What the account says beside a number, and what of the number cannot be."""

from collections.abc import Iterator

from django.template.defaultfilters import pluralize

from connections.figures.figure import Said, Value
from connections.figures.kept import Kept
from connections.models import FigureProof
from sources.spec import Definition, Source, Unit

FEW = 50  # Mails: of fewer, everybody may well have opened one twice.
TOO_HIGH = "This is 100 % or more, which cannot be. Ask ActiveCampaign for its own counter to see which is right."


class Sayings:
    """Of one account, by what is kept of its numbers."""

    def __init__(self, source: Source, kept: Kept) -> None:
        self.source, self.kept = source, kept

    def of(self, one: Definition, currency: str, group: str) -> Said | None:
        proof = self.kept.proofs.get((one.key, group, currency))
        if proof is None:
            return None
        why = " ".join(self.reasons(one, proof, group)) if proof.says != proof.ours else ""
        return Said(value=proof.says, ours=proof.ours, checked_at=proof.checked_at, reasons=why)

    def reasons(self, one: Definition, proof: FigureProof, group: str) -> Iterator[str]:
        """Why they may differ, as far as that is known."""
        yield from (ask.reasons for ask in one.asks if bool(ask.by) == bool(group) and ask.reasons)
        missing = self.kept.missing.get(one.stream, 0)
        if missing and proof.ours > proof.says:
            rows = f"{missing:,} row{pluralize(missing)}"
            yield f"{rows} that the last whole read did not find stay until somebody decides."
        if proof.ours < proof.says and self.kept.is_anybody_erased:
            yield "Who was erased at request is not kept here."

    def fault(self, one: Definition, value: Value | None, count: int | None, group: str) -> str:
        """What cannot be, unless the account's own counters say the same."""
        may_be_all = {*one.of} <= {*one.other}
        if one.unit != Unit.SHARE or may_be_all or value is None or value < 1 or (count or 0) < FEW:
            return ""
        operands = filter(None, map(self.source.number, (*one.of, *one.other)))
        return "" if all(self.is_proven(each, group) for each in operands) else TOO_HIGH

    def is_proven(self, one: Definition, group: str) -> bool:
        """As its rows are now."""
        said = self.of(one, "", group)
        counted_at = self.kept.states[one.stream].counted_at if one.stream in self.kept.states else None
        return bool(said and said.agrees and counted_at and said.checked_at >= counted_at)
