"""What people fill in: a connection's name, privacy and credentials, and the filters of a list."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.views.decorators.debug import sensitive_variables

from connections.form_fields import NameField, holds_key
from connections.models import Connection, Health, Pace, Privacy, StandbyKey, Team, User, Workspace
from connections.models.check_try import NotAsked
from connections.models.connection_query import ConnectionQuerySet
from connections.safe.sealing import Unsealable, fingerprints
from sources.errors import NoCallFree, SourceError, TemporarilyDown
from sources.registry import all_sources, offered_sources
from sources.spec import Credentials, host_of

IN_NO_TEAM = "You are in no team of this workspace, so Shared with Team cannot be chosen."
UNREADABLE_KEY = "The stored key cannot be read any more. Enter the key again."
KEY_AS_NAME = "That is a key, not a name: it would be shown to everybody who may use the connection. Give it a name."
SHOWN_FIELDS = ("api_url", "name")
KEY_OF_ANOTHER_ADDRESS = "Enter the key again: the address has changed since it was stored."
FIELD_ORDER = ["api_url", "api_key", "also", "name", "privacy", "team"]


class HintedRadios(forms.RadioSelect):
    """Radio buttons with a sentence under each label; what is `closed` is shown and cannot be chosen."""

    def __init__(self, hints: dict[str, str], *, closed: Collection[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hints, self.closed = hints, closed

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if str(value) in self.closed:
            option["attrs"]["disabled"] = True
        return {**option, "hint": self.hints.get(str(value), "")}


class ChooseSource(forms.Form):
    """Step 1."""

    source = forms.ChoiceField(
        choices=lambda: [(source.key, source.name) for source in offered_sources()],
        error_messages={
            "required": "Choose a source.",
            "invalid_choice": "This source cannot be connected right now. Choose another.",
        },
    )


class TeamLost(SourceError):
    """The chosen team was deleted, or left, while the account was asked."""

    code = "team_lost"


class KeyOfAnotherAddress(SourceError):
    """The stored key is for another address than the one that was typed: it must not be sent there."""

    field = "api_key"
    code = "key_of_another_address"


class DetailsForm(forms.Form):
    """A connection's name and privacy. `form_for` adds the source's credentials to it."""

    data: Any
    connection: Connection
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
        widget=forms.Select({"data-shown-when": "privacy=team"}),
        error_messages={"invalid_choice": "Choose one of your teams."},
    )

    def __init__(
        self, *args: Any, user: User, workspace: Workspace, present_team: Team | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(FIELD_ORDER)
        self.user, self.workspace, self.present_team = user, workspace, present_team
        self.could_not_ask, self.refusal_status = False, 200
        teams: Any = self.fields["team"]
        teams.queryset = self.offered_teams(present_team)
        self.has_teams = teams.queryset.exists()
        teams.help_text = "Needed for Shared with Team." if self.has_teams else IN_NO_TEAM
        self.fields["privacy"].widget = HintedRadios(
            self.privacy_hints(), closed=self.closed_privacies(), choices=self.privacy_choices()
        )

    def refuse(self, failure: SourceError) -> None:
        """Show what the account's answer means, at the field at fault."""
        self.add_error("team" if isinstance(failure, TeamLost) else failure.field, str(failure))
        self.could_not_ask = isinstance(failure, TemporarilyDown) and not isinstance(failure, NoCallFree)
        self.refusal_status = 429 if isinstance(failure, NotAsked) else 200

    def require_team(self) -> None:
        """Within a transaction, as late as possible: proving a key takes seconds. Raises TeamLost."""
        team = self.cleaned_data["team"]
        if team is None:
            return
        present = Team.objects.select_for_update(no_key=True, of=("self",)).filter(pk=team.pk)
        if not present or not self.offered_teams(self.present_team).filter(pk=team.pk).exists():
            raise TeamLost("Choose one of your teams: this one is gone, or you are no longer in it.")

    def offered_teams(self, present_team: Team | None) -> QuerySet[Team]:
        mine_or_present = Q(members__user=self.user) | Q(pk=present_team.pk if present_team else None)
        return Team.objects.filter(mine_or_present, workspace=self.workspace).distinct().with_member_counts()

    def privacy_choices(self) -> list[tuple[str, str]]:
        return [*Privacy.choices]

    def closed_privacies(self) -> list[str]:
        """What is shown and cannot be chosen; the hint says why."""
        return [] if self.has_teams else [Privacy.TEAM]

    def privacy_hints(self) -> dict[str, str]:
        people = self.workspace.memberships.count()
        return {
            Privacy.WORKSPACE: f"All {people} members of {self.workspace} may use it."
            if people > 1
            else "You alone, for now.",
            Privacy.PRIVATE: "Nobody else sees it, not even administrators.",
            Privacy.TEAM: "The members of one of your teams may use it; administrators manage it."
            if self.has_teams
            else IN_NO_TEAM,
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("privacy") != Privacy.TEAM:
            cleaned["team"] = None
            self.errors.pop("team", None)  # Left over from another choice, and of no account now.
        elif not cleaned.get("team") and "team" not in self.errors:
            self.add_error("team", "Choose the team that may use this connection." if self.has_teams else IN_NO_TEAM)
        self.show_no_key()
        return cleaned

    @sensitive_variables()
    def show_no_key(self) -> None:
        """A key that was pasted into another field is neither shown again there nor kept."""
        keys = [self.data.get("api_key") or "", *stored_keys(self.connection)]
        for field in SHOWN_FIELDS:
            if holds_key(self.data.get(field) or "", keys):
                self.data = self.data.copy()
                self.data[field] = ""
                self.refuse_key_in(field)

    def refuse_key_in(self, field: str) -> None:
        if field == "name":
            self.errors.pop("name", None)  # What else was wrong with it says nothing now.
            self.add_error("name", KEY_AS_NAME)


class SetUpForm(DetailsForm):
    """Step 2, without the source's own fields. A blank key means the one that the draft holds already."""

    def __init__(self, *args: Any, draft: Connection, **kwargs: Any) -> None:
        self.connection = self.draft = draft
        super().__init__(*args, key_required=not draft.has_key, **kwargs)
        self.usual_key_hint = self.fields["api_key"].help_text
        self.show_key_hint()

    def show_key_hint(self) -> None:
        # On the bound field: it took over the field's own text when the form was cleaned.
        self["api_key"].help_text = key_hint(self.draft, viewer=self.user) or self.usual_key_hint

    def refuse(self, failure: SourceError) -> None:
        super().refuse(failure)
        self.show_key_hint()  # Whether a key is held has just been decided.

    def ask_to_paste_again(self) -> None:
        if self.cleaned_data.get("api_key"):
            self["api_key"].help_text = "Paste the key once more: it is not kept before it has been tried."

    def ask_for_key(self) -> None:
        self.add_error("api_key", UNREADABLE_KEY)

    def credentials(self) -> Credentials:
        """What to try. Raises Unsealable when the held key cannot be opened, and KeyOfAnotherAddress."""
        return chosen_credentials(self.cleaned_data, self.draft)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("api_key") or not self.draft.has_key or "api_key" in self.errors:
            return cleaned
        if not self.draft.is_readable:
            self.ask_for_key()
        elif needs_key_again(cleaned, self.draft):
            self.add_error("api_key", KEY_OF_ANOTHER_ADDRESS)
        return cleaned

    def typed(self) -> dict[str, str]:
        """All that was typed but the key; the address as it was understood, if it was."""
        typed = typed_into(self.data)
        return {**typed, "api_url": self.cleaned_data.get("api_url") or typed["api_url"]}

    def cleaning_words(self) -> list[str]:
        """What was changed in what was typed; from now on the form shows the address as it was understood."""
        self.data = {**self.data.dict(), "api_url": self.cleaned_data["api_url"]}
        return [f"{self.fields[field].label}: {note}" for field, note in self.cleaning_notes.items()]


def typed_into(posted: QueryDict) -> dict[str, str]:
    """What of a set-up may be kept before it is complete: everything but the key, in whatever field it was put."""
    typed = {field: posted.get(field, "")[:2000] for field in ("api_url", "name", "privacy", "team")}
    return {field: "" if holds_key(text) else text for field, text in typed.items()}


@sensitive_variables()
def stored_keys(connection: Connection) -> list[str]:
    """To compare with: those that there are and that can be opened."""
    holders: list[Connection | StandbyKey | None] = [connection, StandbyKey.objects.of(connection)]
    keys = []
    for holder in holders:
        if holder and holder.api_key:
            with suppress(Unsealable):
                keys.append(holder.credentials().api_key.reveal())
    return keys


def needs_key_again(cleaned: dict[str, Any], connection: Connection) -> bool:
    return connection.has_key and not cleaned.get("api_key") and address_differs(cleaned, connection)


def address_differs(cleaned: dict[str, Any], connection: Connection) -> bool:
    try:
        return "api_url" in cleaned and bool(connection.api_url) and cleaned["api_url"] != connection.address()
    except Unsealable:
        return True


@sensitive_variables()
def chosen_credentials(cleaned: dict[str, Any], connection: Connection) -> Credentials:
    """What was typed, or the stored pair. Raises Unsealable, and KeyOfAnotherAddress."""
    if cleaned.get("api_key"):
        return Credentials(api_url=cleaned["api_url"], api_key=cleaned["api_key"])
    stored = connection.credentials()
    # Cleaning has looked already, but the row may have been brought up to date since: another tab was quicker.
    if stored.api_url != cleaned["api_url"]:
        raise KeyOfAnotherAddress(KEY_OF_ANOTHER_ADDRESS)
    return stored


def key_hint(connection: Connection, *, viewer: User) -> str:
    """“A key ending 1a2b is stored since 3 May by Ana”, for those who manage the connection."""
    if not connection.has_key or not connection.key_stored_at:
        return ""
    since, by = connection.key_stored_at, connection.key_stored_by
    return f"{stored_words(connection.key_hint, since=since, by=by, viewer=viewer)} Leave this blank to keep it."


def stored_words(hint: str, *, since: datetime, by: User | None, viewer: User, whose: str = "") -> str:
    ending, owner = f" ending {hint}" if hint else "", f" of {whose}" if whose else ""
    who = "you" if by == viewer else str(by or "a former member")
    return f"A key{ending}{owner} is stored since {since:%-d %B %Y} by {who}."


@cache
def form_for(base: type[forms.Form], source_key: str) -> Any:
    """`base` with the fields of the source's own credentials form before it."""
    return type(base.__name__, (base, all_sources()[source_key].credentials_form), {})


class FinishForm(forms.Form):
    """Step 3."""

    pace = forms.ChoiceField(choices=Pace, required=False, initial=Pace.CONSIDERATE)
    version = forms.CharField(required=False, widget=forms.HiddenInput)


class SyncNowForm(forms.Form):
    """The pace of one sync; none given is the connection's own."""

    pace = forms.ChoiceField(choices=Pace, required=False)


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
            # The host is sealed, so it is found whole: by its fingerprint, as a host or as an address.
            account = Q(account_fingerprint__in=fingerprints("account", host_in(words).casefold()))
            connections = connections.filter(Q(name__icontains=words) | Q(person__icontains=words) | creator | account)
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


def host_in(words: str) -> str:
    """The host of an address, or the words themselves."""
    try:
        return host_of(words) or words
    except ValueError:
        return words  # Half a bracket, say: no address.
