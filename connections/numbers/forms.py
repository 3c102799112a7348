"""Of which days numbers are shown, and how they are cut: all that stands in the address; and what a pin wants."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any, TypeGuard

from django import forms
from django.utils.http import urlencode

from connections.figures.figure import EARLIEST, Period, Step
from connections.models import Alert
from connections.numbers.steps import days_in_words
from sources.spec import Breakdown, Unit

OWN = "own"
MONTHS = "months"
USUAL = MONTHS
THIS_MONTH, LAST_MONTH = "this", "last"
ALL_TIME = "all"
PERIODS = (
    ("7", "7 days"),
    ("30", "30 days"),
    ("90", "90 days"),
    (THIS_MONTH, "this month"),
    (LAST_MONTH, "last month"),
    (MONTHS, "12 calendar months"),
    (ALL_TIME, "all time"),
    (OWN, "From – until"),
)
STEPS = (("", "as fits"), ("day", "by day"), ("week", "by week"), ("month", "by month"))
A_DATE = {"type": "date", "data-chooses": f"period={OWN}"}
LONGEST = timedelta(days=3 * 366)
MOST_STEPS = 370  # Of one picture: a year of days, or seven of weeks.
MOST_DIGITS = 15  # SQLite keeps them as a float: of more, what is read again may be longer than the column.
LONGEST_BY_DAY, LONGEST_BY_WEEK = 45, 190  # Days of a period, as long as nobody chooses a step.


def nothing_before() -> None:
    return None


class PeriodForm(forms.Form):
    """Nonsense in the address is as if it were not there.

    `today` is that of the workspace; `first_day` looks up where all time begins, once that is asked for.
    """

    period = forms.ChoiceField(label="Period", choices=PERIODS, required=False)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs=A_DATE))
    until = forms.DateField(label="Until", required=False, widget=forms.DateInput(attrs=A_DATE))
    step = forms.ChoiceField(label="Drawn", choices=STEPS, required=False)
    by = forms.ChoiceField(label="Broken down", required=False)
    group = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    compare = forms.BooleanField(label="Compare with before", required=False)

    def __init__(
        self,
        data: Mapping[str, str],
        *,
        today: date,
        breakdowns: Iterable[Breakdown] = (),
        first_day: Callable[[], date | None] = nothing_before,
    ) -> None:
        self.today, self.first_day = today, first_day
        self.labels = {one.key: one.label for one in breakdowns}
        super().__init__({"compare": "on", **usual(data)})
        by: Any = self.fields["by"]
        by.choices = [("", "not at all"), *((key, f"by {label.lower()}") for key, label in self.labels.items())]
        if not self.labels:
            del self.fields["by"], self.fields["group"]
        self.is_valid()

    @property
    def cut_by(self) -> str:
        return self.cleaned_data.get("by") or ""

    @property
    def narrowed_to(self) -> str:
        """The id of one group."""
        return (self.cleaned_data.get("group") or "").replace("\x00", "") if self.cut_by else ""

    @property
    def cut(self) -> dict[str, str]:
        """As figures are asked for."""
        return {"by": self.cut_by, "group": self.narrowed_to}

    @property
    def by_field(self) -> forms.BoundField | None:
        return self["by"] if "by" in self.fields else None

    @property
    def by_label(self) -> str:
        """“List”."""
        return self.labels.get(self.cut_by, "")

    @property
    def is_own(self) -> bool:
        return self.cleaned_data.get("period") == OWN

    @property
    def is_fine(self) -> bool:
        """Whether it asks for more than a period, or for the days of one's own."""
        return self.is_own or any(self.cleaned_data.get(name) for name in ("since", "until", "step", "by"))

    @property
    def hint(self) -> str:
        """What of the dates does not count, and why."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if not self.is_own:
            return "From and Until count once the period is “From – until”." if since or until else ""
        if not counts(since):
            return "Fill in From, a day since 2000: without it these are 12 calendar months."
        is_cut = self.asked.start > min(since, until or since)
        return "At most three years are shown at once." if is_cut else ""

    @property
    def without_group(self) -> str:
        return self.address(group=None)

    @property
    def is_all(self) -> bool:
        return self.cleaned_data.get("period") == ALL_TIME

    @property
    def is_usual(self) -> bool:
        return self.asked == replace(Period.usual(self.today), step=self.asked.step)

    @property
    def compares(self) -> bool:
        return bool(self.cleaned_data.get("compare")) and not self.is_all

    @cached_property
    def asked(self) -> Period:
        period = self._days()
        step = self.cleaned_data.get("step") or fitting_step(period.days)
        if step == "day" and period.days > MOST_STEPS:
            step = "week"
        if step == "week" and period.days > 7 * MOST_STEPS:
            step = "month"
        return replace(period, step=step)

    def _days(self) -> Period:
        said, since = self.cleaned_data.get("period") or USUAL, self.cleaned_data.get("since")
        if said == OWN and counts(since):
            until = self.cleaned_data.get("until") or max(since, self.today)
            start, end = (min(one, self.today) for one in sorted((since, until)))
            return Period(start=max(start, end - LONGEST), end=end)
        if said == ALL_TIME:
            return Period.all_time(self.today, first=self.first_day())
        if said in (MONTHS, OWN):
            return Period.usual(self.today)
        if said in (THIS_MONTH, LAST_MONTH):
            return Period.this_month(self.today) if said == THIS_MONTH else Period.last_month(self.today)
        return Period(start=self.today - timedelta(days=int(said) - 1), end=self.today)

    @cached_property
    def before_words(self) -> str:
        """The days that are compared with."""
        return days_in_words(self.asked.before)

    def address(self, **changes: str | None) -> str:
        """The same page with these changes."""
        kept = {name: self.data.get(name) for name in self.fields if self.data.get(name)}
        query = {name: value for name, value in {**kept, **changes}.items() if value}
        return f"?{urlencode(query)}"

    @property
    def query(self) -> str:
        return self.address()


def counts(since: date | None) -> TypeGuard[date]:
    return since is not None and since >= EARLIEST


def usual(data: Mapping[str, str]) -> Mapping[str, str]:
    """What was asked for: an address that asks for nothing compares, and one that asks says whether it does."""
    asked = {name: data[name] for name in data}
    return {**({"compare": ""} if asked else {}), "period": USUAL, **asked}


def fitting_step(days: int) -> Step:
    if days <= LONGEST_BY_DAY:
        return "day"
    return "week" if days <= LONGEST_BY_WEEK else "month"


class PinForm(forms.Form):
    """What a person wants of a number that they pin: a goal, and when to be told. In the unit that people write."""

    goal = forms.DecimalField(label="Goal", required=False, max_digits=MOST_DIGITS, decimal_places=2)
    alert = forms.ChoiceField(label="Tell me by e-mail when", required=False)
    bound = forms.DecimalField(label="Above or below", required=False, max_digits=MOST_DIGITS, decimal_places=2)
    days = forms.IntegerField(label="Days", required=False, min_value=1, max_value=366)

    def __init__(self, *args: Any, is_stock: bool, unit: str, currency: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        alert: Any = self.fields["alert"]
        alert.choices = [one for one in Alert.choices if not (is_stock and one[0] == Alert.NOTHING_NEW)]
        written = {Unit.MONEY: f"in {currency}", Unit.SHARE: "in per cent", Unit.DAYS: "in days"}.get(Unit(unit), "")
        over = "" if is_stock else ". It is of whichever period is shown"
        self.fields["goal"].help_text = f"A number to reach{f', {written}' if written else ''}{over}."
        self.fields["bound"].help_text = f"This number{f', {written}' if written else ''}."
        if is_stock:
            del self.fields["days"]
        else:
            self.fields["days"].help_text = "It is counted over so many days, until yesterday."

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("alert") in (Alert.ABOVE, Alert.BELOW) and said.get("bound") is None and "bound" not in self.errors:
            self.add_error("bound", "Say above or below which number.")
        return said
