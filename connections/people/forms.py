"""What administrators fill in about the workspace, about a team, and about a person whose data is to be erased."""

from typing import Any

from django import forms

from connections.forms.fields import NameField
from connections.forms.zones import ZoneField
from connections.models import PersonErasure, Team, User, Workspace
from connections.models.addresses import AddressFormField
from connections.models.kept_out import is_address
from connections.models.person_erasure import MOST_UNDECIDED


class TeamForm(forms.Form):
    """A team's name and members; nobody of another workspace is offered."""

    name = NameField(label="Team Name", error_messages={"required": "Give the team a name."})
    # Not a field of models: Django asks the database for whatever number was posted, and SQLite fails on a large one.
    members = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose members of this workspace."},
    )

    def __init__(self, *args: Any, workspace: Workspace, team: Team | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace, self.team = workspace, team or Team(workspace=workspace)
        members: Any = self.fields["members"]
        members.choices = [(member.pk, str(member)) for member in workspace.memberships.select_related("user")]

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if self.workspace.teams.filter(name__iexact=name).exclude(pk=self.team.pk).exists():
            raise forms.ValidationError("There is a team of this name already.", code="taken")
        return name

    def save(self, *, by: User) -> Team:
        verb = "changed the team" if self.team.pk else "created the team"
        self.team.name = self.cleaned_data["name"]
        self.team.save()
        chosen = self.workspace.memberships.filter(pk__in=self.cleaned_data["members"]).select_related("user")
        self.team.members.set(chosen)
        who = ", ".join(str(member) for member in chosen)
        self.workspace.record(verb, by=by, about=self.team.name, detail=f"Its members: {who or 'nobody yet'}")
        return self.team


class WorkspaceForm(forms.Form):
    """What the workspace is called, and which clock it goes by."""

    name = NameField(label="Workspace Name", error_messages={"required": "Give the workspace a name."})
    timezone = ZoneField(
        label="Time Zone",
        max_length=64,
        help_text="Syncs at a time of the day run by it, and days of numbers end by it. Type a part of its name, and "
        "choose.",
        error_messages={"required": "Choose a time zone."},
    )


class FindPersonForm(forms.Form):
    """Whose data is looked for, by their e-mail address."""

    address = AddressFormField(
        label="Their e-mail address",
        help_text="As it stands in the account’s contacts. Capitals do not matter.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter the e-mail address of the person."},
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"])
        if not is_address(address):
            raise forms.ValidationError("An address like this cannot be looked for in rows.", code="not_found_in_rows")
        return address

    def clean(self) -> dict[str, Any] | None:
        if self.workspace.person_erasures.undecided().count() >= MOST_UNDECIDED:
            raise forms.ValidationError("Decide about the requests below first: so many are open.", code="too_many")
        return super().clean()

    def save(self, *, by: User) -> PersonErasure:
        return PersonErasure.objects.ask(self.workspace, self.cleaned_data["address"], by=by)
