"""Leaves out of what comes the rows of people who were erased, and fields that nobody wants stored."""

from collections.abc import Mapping
from dataclasses import replace

from connections.models import PersonErasure
from connections.models.field_rules import FieldRules
from connections.models.holding import Holding
from connections.models.kept_out import KeptOut
from sources.spec import Page, Row, Stream


class LeavingOut:
    """For one stream in one sync."""

    def __init__(self, keeper: KeptOut, rules: FieldRules, holding: Holding, stream: Stream) -> None:
        self.keeper, self.rules, self.holding, self.stream = keeper, rules, holding, stream
        self._left_out: set[str] = set()  # A page may repeat rows of the one before.

    def kept_of(self, rows: Mapping[str, Row]) -> tuple[Mapping[str, Row], int]:
        """What of these may be stored, and how many rows are left out that were not before.

        People come before what belongs to them: by their rows ids are known that nobody knew.
        """
        kept = self.keeper.without_them(self.stream, rows) if self.keeper else rows
        if self.keeper.found:
            PersonErasure.objects.meet_again(self.holding, self.keeper.found)
            self.keeper.found.clear()
        left_out = rows.keys() - kept.keys() - self._left_out
        self._left_out |= left_out
        if self.rules:
            kept = {external_id: self.rules.applied(row) for external_id, row in kept.items()}
        return kept, len(left_out)

    def shown_of(self, page: Page) -> Page:
        """The page, with what may be told of rows that cannot be kept."""
        if not (self.rules and page.unkept):
            return page
        return replace(page, unkept=tuple(replace(one, excerpt=self.rules.excerpt(one.excerpt)) for one in page.unkept))
