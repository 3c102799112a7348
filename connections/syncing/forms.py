"""The forms that say what of an account is pulled, at which pace, and when; and which fields are left out."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.http import QueryDict
from django.template.defaultfilters import floatformat

from connections.access.access import budget_of
from connections.forms.conflicts import SettledForm
from connections.forms.widgets import HintedRadios
from connections.frame.outlook import Cost, cost, estimates, sizes
from connections.frame.reading import labels_of
from connections.models import Connection, Pace, Schedule
from connections.models.choices import INTERVALS
from connections.models.field_rules import Rule, choices_for
from connections.models.sync import SyncQuerySet
from connections.syncing.spending import Spending, spending
from sources.spec import Stream


@dataclass(frozen=True)
class StreamLine:
    """A stream to choose, what it costs at the everyday pace to read it once, and in words to keep it fresh."""

    stream: Stream
    choice: Any
    rows: int | None
    cost: Cost
    upkeep: str

    @property
    def is_unverified(self) -> bool:
        return self.stream.sureness == "unverified"


@dataclass(frozen=True)
class StreamGroup:
    """Streams that are shown together. One that `folds` stays closed until one of its streams is chosen."""

    word: str
    hint: str
    folds: bool
    lines: list[StreamLine]

    @property
    def keys(self) -> list[str]:
        return [line.stream.key for line in self.lines]

    @property
    def chosen(self) -> int:
        return sum(bool(line.choice.data["selected"]) for line in self.lines)


class PullingForm(SettledForm):
    """Two people who choose different streams both get theirs."""

    settled = {"streams": "streams", "pace": "pace", "schedule": "schedule"}

    streams = forms.MultipleChoiceField(
        label="Data to sync",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose at least one.",
            "invalid_choice": "There is nothing called %(value)s to sync.",
        },
    )
    pace = forms.ChoiceField(label="Pace", choices=Pace, error_messages={"required": "Choose a pace."})
    schedule = forms.ChoiceField(
        label="Schedule", choices=Schedule, widget=forms.RadioSelect, error_messages={"required": "Choose a schedule."}
    )
    daily_at = forms.TimeField(
        label="Time of the day",
        required=False,
        widget=forms.TimeInput({"type": "time", "data-shown-when": "schedule=daily"}, format="%H:%M"),
        error_messages={"invalid": "Enter a time such as 06:00."},
    )

    def __init__(self, posted: QueryDict | None = None, *, connection: Connection) -> None:
        self.connection = connection
        super().__init__(posted, initial=initial_of(connection))
        self.source = connection.known_source()
        self.order_fields(["streams", "pace", "schedule", "daily_at", "version"])
        streams: Any = self.fields["streams"]
        streams.choices = [(stream.key, stream.name) for stream in self.source.streams]
        self.fields["pace"].widget = HintedRadios(pace_hints(connection), choices=Pace.choices)
        self.fields["schedule"].widget = HintedRadios(schedule_hints(self.spent), choices=Schedule.choices)
        self.fields["daily_at"].help_text = (
            f"In the workspace’s time zone, {connection.workspace.timezone}. "
            "The sync begins within a quarter of an hour after that time."
        )

    # What it shows ----------------------------------------------------------------------------------------------

    @cached_property
    def spent(self) -> Spending:
        return spending(self.connection)

    def groups(self) -> list[StreamGroup]:
        counted = sizes(self.connection, self.connection.row_counts.by_stream())
        names = {stream.key: stream.name for stream in self.source.streams}
        choices = {choice.data["value"]: choice for choice in self["streams"]}
        by_group: dict[str, list[StreamLine]] = {word: [] for word, _, _ in GROUPS}
        for stream in self.source.streams:
            price = cost(self.source, [stream], counted, Pace.CONSIDERATE)
            line = StreamLine(
                stream=stream,
                choice=choices[stream.key],
                rows=counted.get(stream.key),
                cost=price,
                upkeep=self.spent.words_of(stream.key, names),
            )
            by_group[group_of(stream)].append(line)
        return [
            StreamGroup(word=word, hint=hint, folds=folds, lines=by_group[word])
            for word, hint, folds in GROUPS
            if by_group[word]
        ]

    # What came back ---------------------------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("schedule") != Schedule.DAILY:
            cleaned["daily_at"] = self.connection.daily_at
            self.errors.pop("daily_at", None)  # Left over from another choice, and of no account now.
        elif not cleaned.get("daily_at") and "daily_at" not in self.errors:
            self.add_error("daily_at", "Choose the time of the day.")
        mine = cleaned.get("streams")
        self.settle_with_others(cleaned)
        if mine and self.seen_version:
            self.join_streams(mine, cleaned)
        return cleaned

    def join_streams(self, mine: Collection[str], cleaned: dict[str, Any]) -> None:
        """What I added and took away since the form was rendered, applied to what the others made of it meanwhile."""
        edits = self.edits_by_others().get("streams")
        before = {*edits[0].changes["streams"][0].split(",")} if edits else {*self.connection.stream_keys}
        joined = ({*self.connection.stream_keys} - (before - {*mine})) | ({*mine} - before)
        cleaned["streams"] = [stream.key for stream in self.source.streams if stream.key in joined]
        if not cleaned["streams"]:
            self.add_error("streams", "Choose at least one: somebody else has just taken the others away.")

    def posted_value(self, field: str, cleaned: dict[str, Any]) -> str | None:
        match field:
            case "streams" if self.seen_version or "streams" not in cleaned:
                return None  # What is known to have been seen is joined and not settled.
            case "streams":
                return ",".join(cleaned["streams"])
            case "schedule" if cleaned.get("schedule") == Schedule.DAILY:
                return f"daily {cleaned['daily_at']:%H:%M}" if cleaned.get("daily_at") else None
            case _:
                return cleaned.get(field)

    def keep_present(self, field: str, cleaned: dict[str, Any]) -> None:
        match field:
            case "streams":
                cleaned["streams"] = self.connection.stream_keys
            case "schedule":
                cleaned["schedule"], cleaned["daily_at"] = self.connection.schedule, self.connection.daily_at
                self.errors.pop("daily_at", None)
            case _:
                cleaned[field] = getattr(self.connection, field)

    def read_out(self, field: str, cleaned: dict[str, Any]) -> tuple[str, str]:
        match field:
            case "streams":
                return f"{len(self.connection.streams)} chosen", f"{len(cleaned['streams'])} chosen"
            case "schedule":
                mine = self.posted_value(field, cleaned) or ""
                return self.connection.schedule_words, Schedule(cleaned["schedule"]).label + mine.removeprefix("daily")
            case _:
                return self.connection.get_pace_display(), Pace(cleaned["pace"]).label

    def choice(self) -> dict[str, Any]:
        """For `Connection.choose_pulling`."""
        return {field: self.cleaned_data[field] for field in ("streams", "pace", "schedule", "daily_at")}


def initial_of(connection: Connection) -> dict[str, Any]:
    return {
        "streams": connection.stream_keys,
        "pace": connection.pace,
        "schedule": connection.schedule,
        "daily_at": connection.daily_at,
        "version": connection.version,
    }


def pace_hints(connection: Connection) -> dict[str, str]:
    hints = {
        Pace.CONSIDERATE: "leaves room for your own forms and tools.",
        Pace.FULL: "nearly all that the account allows; your own tools are refused more often meanwhile.",
    }
    return {
        price.pace: f"{floatformat(price.rate, -1)} calls a second: {hints[price.pace]} {price.words}"
        for price in estimates(connection, budget_of(connection))
    }


def schedule_hints(spent: Spending) -> dict[str, str]:
    return {schedule: spent.words_for(interval) for schedule, interval in INTERVALS.items()}


USUAL, MORE, HEAVY, OTHER = "Recommended", "Other", "Large", "Experimental"
GROUPS = (
    (USUAL, "Recommended: synced unless somebody chooses otherwise.", False),
    (MORE, "Small, and of use to some.", True),
    (HEAVY, "Many rows for each contact, deal or campaign: of a large account the first read can take hours.", True),
    (OTHER, "Each is known from one other program alone, so its rows stand as they come.", True),
)


def group_of(stream: Stream) -> str:
    if stream.on_by_default:
        return USUAL
    if stream.is_heavy:
        return HEAVY
    return OTHER if stream.sureness == "unverified" else MORE


class ReadAgainForm(forms.Form):
    """One stream, or none for all of them."""

    stream = forms.ChoiceField(required=False)

    def __init__(self, posted: QueryDict, *, connection: Connection) -> None:
        super().__init__(posted)
        stream: Any = self.fields["stream"]
        stream.choices = [(one.key, one.name) for one in connection.streams]


class DecideForm(forms.Form):
    """What becomes of rows that a whole read did not find."""

    stream = forms.CharField(max_length=60)
    decision = forms.ChoiceField(choices=[("gone", "They are gone"), ("keep", "Keep them")])


class SyncNowForm(forms.Form):
    """The pace of one sync; none given is the connection's own."""

    pace = forms.ChoiceField(choices=Pace, required=False)


class HistoryForm(forms.Form):
    """Which syncs are listed; nonsense in the address narrows nothing."""

    show = forms.ChoiceField(
        label="Show",
        required=False,
        choices=[("", "All syncs"), ("changes", "Those that brought something"), ("trouble", "Those that fell short")],
    )

    def narrow(self, syncs: SyncQuerySet) -> SyncQuerySet:
        self.is_valid()
        match self.cleaned_data.get("show"):
            case "changes":
                return syncs.that_brought_something()
            case "trouble":
                return syncs.that_fell_short()
        return syncs

    @property
    def is_narrowing(self) -> bool:
        return bool(self.cleaned_data.get("show"))


class FieldsForm(forms.Form):
    """What is done with each field of a stream's rows: those with a meaning, and those that the newest row has."""

    def __init__(self, posted: QueryDict | None = None, *, connection: Connection, stream: Stream) -> None:
        super().__init__(posted)
        rules = connection.rules_of(stream)
        newest = connection.records.filter(stream=stream.key).newest_first().first()
        known = [one.name for one in stream.facts.fields]
        names = dict.fromkeys((*rules, *stream.personal.left_out, *known, *(newest.data if newest else ())))
        for name, label in labels_of(stream, names).items():
            offered = choices_for(stream, name)
            if len(offered) > 1:
                self.fields[f"field.{name}"] = forms.ChoiceField(
                    label=label,
                    help_text=name,
                    choices=[(rule.value, rule.label) for rule in offered],
                    initial=rules.get(name, Rule.KEEP.value),
                    error_messages={
                        "required": "Choose one.",
                        "invalid_choice": "That cannot be done with this field.",
                    },
                )

    def chosen(self) -> dict[str, str]:
        return {name.removeprefix("field."): rule for name, rule in self.cleaned_data.items()}
