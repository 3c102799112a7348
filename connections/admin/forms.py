"""Forms of the admin's pages."""

from typing import Any

from allauth.account.models import EmailAddress
from django import forms
from django.core.exceptions import ValidationError

from connections.models import Membership, Role, Team, User, Workspace
from connections.models.addresses import AddressFormField

ASK_A_SUPERUSER = "Ask a superuser to add you to a workspace."


class NewWorkspaceForm(forms.ModelForm):
    """A workspace for a new customer, with its owner and a first team."""

    owner_email = AddressFormField(label="Owner's e-mail", help_text="Gets a link to set a password, if new here.")
    owner_name = forms.CharField(label="Owner's name", max_length=100, required=False)
    team_name = forms.CharField(label="First team", max_length=100, required=False, help_text="The owner is in it.")

    by: User

    class Meta:
        model = Workspace
        fields = ("name", "slug", "timezone")

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]).lower()

    def clean_owner_email(self) -> str:
        email = str(self.cleaned_data["owner_email"])
        if email == self.by.email and not self.by.is_superuser:
            raise ValidationError(ASK_A_SUPERUSER)
        return email

    def make_people(self) -> User:
        """Once the workspace is saved."""
        owner = self.owner()
        membership = Membership.objects.create(workspace=self.instance, user=owner, role=Role.OWNER)
        if self.cleaned_data["team_name"]:
            team = Team.objects.create(workspace=self.instance, name=self.cleaned_data["team_name"])
            team.members.add(membership)
        return owner

    def owner(self) -> User:
        email = self.cleaned_data["owner_email"]
        user = User.objects.filter(email=email).first()
        if user is None:
            user = User.objects.create_user(email, name=self.cleaned_data["owner_name"])
            vouch_for(user)
        return user


def vouch_for(user: User) -> None:
    """Count the address as proven and as the only one: staff say that it is this person's."""
    EmailAddress.objects.filter(user=user).delete()  # An address that was taken away must not log in any more.
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)


class MembershipForm(forms.ModelForm):
    """Of somebody who is in it the role changes alone: another person comes by a line of their own."""

    class Meta:
        model = Membership
        fields = ("user", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].disabled = self.instance.pk is not None


class MembershipFormSet(forms.BaseInlineFormSet):
    """A workspace keeps at least one owner, and staff who are no superusers give themselves no place in it."""

    by: User

    def clean(self) -> None:
        super().clean()
        mine = [form for form in self.forms if form.has_changed() and form.is_valid() and form.instance.user == self.by]
        if not self.by.is_superuser and any(form not in self.deleted_forms for form in mine):
            raise ValidationError(ASK_A_SUPERUSER)
        roles = [form.cleaned_data.get("role") for form in self.forms if form.is_valid() and self.stays(form)]
        if self.instance.memberships.filter(role=Role.OWNER).exists() and Role.OWNER not in roles:
            raise ValidationError("This would take the last owner out: make somebody else an owner first.")

    def stays(self, form: forms.ModelForm) -> bool:
        return form not in self.deleted_forms and (form.has_changed() or form.instance.pk is not None)


class TeamForm(forms.ModelForm):
    """The members offered are those of the team's own workspace. Staff who are no superusers do not join by it."""

    by: User

    class Meta:
        model = Team
        fields = ("workspace", "name", "members")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members: Any = self.fields["members"]
        members.required = False
        everybody = Membership.objects.select_related("user", "workspace")
        members.queryset = everybody.filter(workspace=self.instance.workspace) if self.instance.pk else everybody
        members.label_from_instance = lambda member: f"{member.user} ({member.workspace})"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        workspace = self.instance.workspace if self.instance.pk else cleaned.get("workspace")
        strangers = [member for member in cleaned.get("members", []) if member.workspace != workspace]
        if workspace and strangers:
            raise ValidationError({"members": f"Not in {workspace}: {', '.join(str(member) for member in strangers)}."})
        joining = {*cleaned.get("members", [])} - ({*self.instance.members.all()} if self.instance.pk else set())
        if not self.by.is_superuser and any(member.user == self.by for member in joining):
            raise ValidationError({"members": "Ask a superuser to add you to a team."})
        return cleaned
