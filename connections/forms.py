"""What people fill in: a connection's name, privacy and credentials, and the filters of a list."""

from functools import cache
from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from connections.form_fields import NameField
from connections.models import Connection, Health, Pace, Privacy, Team, User, Workspace
from connections.models.connection_query import ConnectionQuerySet
from connections.models.event import FIELD_WORDS, Event
from connections.sealing import Unsealable, fingerprint
from sources.errors import SourceError, TemporarilyDown
from sources.registry import all_sources, offered_sources
from sources.spec import Credentials, host_of

FIELD_ORDER = ["api_url", "api_key", "name", "privacy", "team"]


class HintedRadios(forms.RadioSelect):
    """Radio buttons with a sentence under each label."""

    def __init__(self, hints: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hints = hints

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**super().create_option(name, value, *args, **kwargs), "hint": self.hints.get(str(value), "")}


class ChooseSource(forms.Form):
    """Step 1."""

    source = forms.ChoiceField(choices=lambda: [(source.key, source.name) for source in offered_sources()])


class DetailsForm(forms.Form):
    """A connection's name and privacy. `form_for` adds the source's credentials to it."""

    data: Any
    cleaning_notes: dict[str, str]

    name = NameField(
        label="Connection Name",
        help_text="For your own orientation. Say which account it is, for example “ActiveCampaign – main account”.",
        error_messages={"required": "Give the connection a name."},
    )
    privacy = forms.ChoiceField(
        label="Privacy",
        choices=Privacy,
        help_text="You can change this later.",
        error_messages={
            "required": "Choose who may use this connection.",
            "invalid_choice": "Choose one of the three.",
        },
    )
    team = forms.ModelChoiceField(
        label="Team",
        queryset=Team.objects.none(),
        required=False,
        empty_label="Choose a team",
        error_messages={"invalid_choice": "Choose one of your teams."},
    )

    def __init__(
        self, *args: Any, user: User, workspace: Workspace, present_team: Team | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(FIELD_ORDER)
        self.user, self.workspace = user, workspace
        self.could_not_ask = False
        teams: Any = self.fields["team"]
        teams.queryset = self.offered_teams(present_team)
        teams.help_text = self.team_hint(teams.queryset)
        self.fields["privacy"].widget = HintedRadios(self.privacy_hints(), choices=Privacy.choices)

    def refuse(self, failure: SourceError) -> None:
        """Show what the account's answer means, at the field at fault."""
        self.add_error(failure.field, str(failure))
        self.could_not_ask = isinstance(failure, TemporarilyDown)

    def offered_teams(self, present_team: Team | None) -> QuerySet[Team]:
        mine_or_present = Q(members__user=self.user) | Q(pk=present_team.pk if present_team else None)
        return Team.objects.filter(mine_or_present, workspace=self.workspace).distinct().with_member_counts()

    def privacy_hints(self) -> dict[str, str]:
        people = self.workspace.memberships.count()
        return {
            Privacy.WORKSPACE: f"All {people} members of {self.workspace} may use it."
            if people > 1
            else "You alone, for now.",
            Privacy.PRIVATE: "Nobody else sees it, administrators included.",
            Privacy.TEAM: "The members of one of your teams may use it; administrators manage it.",
        }

    def team_hint(self, teams: QuerySet[Team]) -> str:
        if not teams.exists():
            return "You are in no team of this workspace, so Shared with Team cannot be chosen."
        return "Needed for Shared with Team."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("privacy") != Privacy.TEAM:
            cleaned["team"] = None
        elif not cleaned.get("team") and "team" not in self.errors:
            self.add_error("team", "Choose the team that may use this connection.")
        return cleaned


class SetUpForm(DetailsForm):
    """Step 2, without the source's own fields. A blank key means the one that the draft holds already."""

    def __init__(self, *args: Any, draft: Connection, **kwargs: Any) -> None:
        self.draft = draft
        super().__init__(*args, key_required=not draft.has_key, **kwargs)
        self.fields["api_key"].help_text = key_hint(draft, viewer=self.user) or self.fields["api_key"].help_text

    def credentials(self) -> Credentials:
        """What to try. Raises Unsealable when the held key cannot be opened."""
        return chosen_credentials(self.cleaned_data, self.draft)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if needs_key_again(cleaned, self.draft) and "api_key" not in self.errors:
            self.add_error("api_key", "Enter the key again: the address has changed since it was stored.")
        return cleaned

    def typed(self) -> dict[str, str]:
        """All that was typed but the key, as it was typed."""
        return {field: str(self.data.get(field, ""))[:2000] for field in ("api_url", "name", "privacy", "team")}


class EditForm(DetailsForm):
    """The detail page's form: a field that I left alone keeps what others made of it meanwhile."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, connection: Connection, **kwargs: Any) -> None:
        self.connection = connection
        super().__init__(*args, key_required=False, present_team=connection.team, **kwargs)
        self.fields["api_key"].help_text = key_hint(connection, viewer=self.user)
        self.conflicts: list[Conflict] = []

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.settle_with_others(cleaned)
        if needs_key_again(cleaned, self.connection) and "api_key" not in self.errors:
            self.add_error("api_key", "Enter the key again: it was stored for the address before.")
        return cleaned

    def settle_with_others(self, cleaned: dict[str, Any]) -> None:
        """Take over what others changed and I did not; note what both changed."""
        for field, edits in self.edits_by_others().items():
            mine, base, theirs = (
                posted_value(field, cleaned),
                edits[0].changes[field][0],
                self.connection.value_of(field),
            )
            if mine in (base, None) or field in self.take_theirs:
                self.keep_present(field, cleaned)
            elif mine != theirs:
                self.conflicts.append(Conflict(field=field, edit=edits[-1], connection=self.connection, mine=mine))

    def shown_again(self) -> "EditForm":
        """With the present version: who saves now has seen what the others changed."""
        self.data = {**self.data.dict(), "version": self.connection.version}
        return self

    @property
    def take_theirs(self) -> list[str]:
        return self.data.getlist("theirs") if hasattr(self.data, "getlist") else []

    def edits_by_others(self) -> dict[str, list[Event]]:
        """The edits since this form was rendered, by the field that they changed. No version counts as the first."""
        edits: dict[str, list[Event]] = {}
        for event in self.connection.changes_since(self.cleaned_data.get("version") or 0):
            for field in event.changes:
                edits.setdefault(field, []).append(event)
        return edits

    def keep_present(self, field: str, cleaned: dict[str, Any]) -> None:
        match field:
            case "privacy":
                cleaned["privacy"], cleaned["team"] = self.connection.privacy, self.connection.team
            case "api_url":
                cleaned["api_url"] = self.connection.address()
            case "api_key":
                cleaned["api_key"] = None
            case _:
                cleaned[field] = getattr(self.connection, field)

    @property
    def changes_credentials(self) -> bool:
        return bool(self.cleaned_data.get("api_key")) or address_differs(self.cleaned_data, self.connection)

    def credentials(self) -> Credentials:
        return chosen_credentials(self.cleaned_data, self.connection)


class Conflict:
    """A field that somebody else changed while I did."""

    def __init__(self, *, field: str, edit: Event, connection: Connection, mine: str) -> None:
        self.field, self.edit = field, edit
        self.word = FIELD_WORDS[field]
        self.theirs, self.mine = (connection.name, mine) if field == "name" else ("", "")


def posted_value(field: str, cleaned: dict[str, Any]) -> str | None:
    """What was posted, in the form of `Connection.value_of`; None when it was left alone or is not readable."""
    match field:
        case "privacy":
            team = cleaned.get("team")
            return f"team:{team.pk}" if team else cleaned.get("privacy")
        case "api_url":
            return fingerprint("account", host_of(cleaned["api_url"])) if cleaned.get("api_url") else None
        case "api_key":
            return "typed" if cleaned.get("api_key") else None
        case _:
            return cleaned.get(field)


def needs_key_again(cleaned: dict[str, Any], connection: Connection) -> bool:
    return connection.has_key and not cleaned.get("api_key") and address_differs(cleaned, connection)


def address_differs(cleaned: dict[str, Any], connection: Connection) -> bool:
    try:
        return "api_url" in cleaned and bool(connection.api_url) and cleaned["api_url"] != connection.address()
    except Unsealable:
        return True


def chosen_credentials(cleaned: dict[str, Any], connection: Connection) -> Credentials:
    api_key = cleaned.get("api_key") or connection.credentials().api_key
    return Credentials(api_url=cleaned["api_url"], api_key=api_key)


def key_hint(connection: Connection, *, viewer: User) -> str:
    """“A key ending 1a2b is stored since 3 May by Ana”, for those who manage the connection."""
    if not connection.has_key or not connection.key_stored_at:
        return ""
    ending = f" ending {connection.key_hint}" if connection.key_hint else ""
    who = "you" if connection.key_stored_by == viewer else str(connection.key_stored_by or "a former member")
    return f"A key{ending} is stored since {connection.key_stored_at:%-d %B %Y} by {who}. Leave this blank to keep it."


@cache
def form_for(base: type[DetailsForm], source_key: str) -> Any:
    """`base` with the fields of the source's own credentials form before it."""
    return type(base.__name__, (base, all_sources()[source_key].credentials_form), {})


class FinishForm(forms.Form):
    """Step 3."""

    pace = forms.ChoiceField(choices=Pace, required=False, initial=Pace.CONSIDERATE)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class FilterForm(forms.Form):
    """What a list of connections can be narrowed by; nonsense in the address narrows nothing."""

    q = forms.CharField(label="Search", required=False, max_length=100)
    source = forms.ChoiceField(required=False)
    privacy = forms.ChoiceField(required=False, choices=[("", "Any privacy"), *Privacy.choices])
    health = forms.ChoiceField(required=False, choices=[("", "Any health"), *Health.choices])
    mine = forms.BooleanField(label="Added by me", required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        sources: Any = self.fields["source"]
        sources.choices = [("", "Any source"), *((key, s.name) for key, s in all_sources().items())]

    def narrow(self, connections: ConnectionQuerySet) -> ConnectionQuerySet:
        self.is_valid()
        wanted = self.cleaned_data
        if wanted.get("q"):
            words = wanted["q"]
            creator = Q(created_by__name__icontains=words) | Q(created_by__email__icontains=words)
            connections = connections.filter(Q(name__icontains=words) | Q(person__icontains=words) | creator)
        if wanted.get("source"):
            connections = connections.filter(source_key=wanted["source"])
        if wanted.get("privacy"):
            connections = connections.filter(privacy=wanted["privacy"])
        if wanted.get("health"):
            connections = connections.filter(shown_health=wanted["health"])
        return connections.filter(created_by=self.user) if wanted.get("mine") else connections

    @property
    def is_narrowing(self) -> bool:
        return any(self.cleaned_data.values())
