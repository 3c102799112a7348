"""The name and privacy of a connection, which its set-up and its page ask for."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.views.decorators.debug import sensitive_variables

from connections.forms.credentials import stored_keys
from connections.forms.fields import NameField, holds_key
from connections.forms.widgets import HintedRadios
from connections.models import Connection, Privacy, Team, User, Workspace
from connections.models.check_try import NotAsked
from connections.models.people import in_words
from sources.errors import NoCallFree, SourceError, TemporarilyDown
from sources.registry import all_sources

IN_NO_TEAM = "You are in no team of this workspace, so Shared with Team cannot be chosen."
KEY_AS_NAME = "That is a key, not a name: it would be shown to everybody who may use the connection. Give it a name."
SHOWN_FIELDS = ("api_url", "name")
FIELD_ORDER = ["api_url", "api_key", "account", "also", "name", "privacy", "team"]


MOST_TEAMS = 5  # Whose people are named.


def people_of(team: Team) -> str:
    """“Growth: Ana, Bo and 3 more.”"""
    return f"{team}: {in_words([*map(str, team.members.all())])}."


class TeamLost(SourceError):
    """The chosen team was deleted, or left, while the account was asked."""

    code = "team_lost"


class PrivacyForm(forms.Form):
    """Who may use a connection: it offers what this person may choose."""

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
        self.user, self.workspace, self.present_team = user, workspace, present_team
        teams: Any = self.fields["team"]
        teams.queryset = self.offered_teams(present_team)
        # Looked up once: by itself the field would ask for them each time that it is shown.
        self.offered = sorted(teams.queryset.with_members(), key=lambda team: team != present_team)
        teams.choices = [("", teams.empty_label), *((team.pk, str(team)) for team in self.offered)]
        self.has_teams = bool(self.offered)
        teams.help_text = "Needed for Shared with Team." if self.has_teams else IN_NO_TEAM
        self.fields["privacy"].widget = HintedRadios(
            self.privacy_hints(), closed=self.closed_privacies(), choices=self.privacy_choices()
        )

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
        people = self.workspace.member_count
        return {
            Privacy.WORKSPACE: f"All {people} members of {self.workspace} may use it."
            if people > 1
            else "You alone, for now.",
            Privacy.PRIVATE: f"Nobody else in {self.workspace} sees it, not even its administrators.",
            Privacy.TEAM: self.team_hint(self.offered[:MOST_TEAMS]) if self.has_teams else IN_NO_TEAM,
        }

    def team_hint(self, teams: Iterable[Team]) -> str:
        return " ".join([*map(people_of, teams), f"{self.workspace.administrators_words()}."])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("privacy") != Privacy.TEAM:
            cleaned["team"] = None
            self.errors.pop("team", None)  # Left over from another choice, and of no account now.
        elif not cleaned.get("team") and "team" not in self.errors:
            self.add_error("team", "Choose the team that may use this connection." if self.has_teams else IN_NO_TEAM)
        return cleaned


class DetailsForm(PrivacyForm):
    """A connection's name and privacy. `form_for` adds the source's credentials to it."""

    data: Any
    connection: Connection
    cleaning_notes: dict[str, str]

    name = NameField(
        label="Connection Name",
        help_text="So that you recognise it later. Say which account it is, for example “Main account”.",
        error_messages={"required": "Give the connection a name."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(FIELD_ORDER)
        self.could_not_ask, self.refusal_status = False, 200

    def refuse(self, failure: SourceError) -> None:
        """Show what the account's answer means, at the field at fault."""
        self.add_error("team" if isinstance(failure, TeamLost) else failure.field, str(failure))
        self.could_not_ask = isinstance(failure, TemporarilyDown) and not isinstance(failure, NoCallFree)
        self.refusal_status = 429 if isinstance(failure, NotAsked) else 200

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
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


@cache
def form_for(base: type[forms.Form], source_key: str) -> Any:
    """`base` with the fields of the source's own credentials form before it."""
    return type(base.__name__, (base, all_sources()[source_key].credentials_form), {})
