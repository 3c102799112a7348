"""People, and the workspaces and teams that they are in: made and edited here. Their sign-ins are looked at alone."""

from collections.abc import Iterator, Mapping
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ResetPasswordForm
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from connections.access import second_factor
from connections.access.requests import PersonRequest
from connections.admin.forms import MembershipForm, MembershipFormSet, NewWorkspaceForm, TeamForm, vouch_for
from connections.admin.pages import OfPeople, ReadOnly
from connections.forms.zones import ZoneField
from connections.models import Membership, SignIn, Team, User, Workspace
from connections.models.people import LastOwner, in_words
from connections.people.leaving import OwnersAlone, disband, end_membership, switch_off


class MembershipInline(admin.TabularInline):
    model = Membership
    form = MembershipForm
    formset = MembershipFormSet
    extra = 0
    autocomplete_fields = ("user",)
    fields = ("user", "role")

    def get_formset(self, request: HttpRequest, obj: Workspace | None = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.by = request.user
        return formset


class TeamInline(admin.TabularInline):
    model = Team
    extra = 0
    fields = ("name",)
    show_change_link = True
    can_delete = False


@admin.register(Workspace)
class WorkspaceAdmin(OfPeople):
    """A new one is made with its owner and a first team on one page."""

    list_display = ("name", "slug", "created_at", "owners")
    search_fields = ("name", "slug", "memberships__user__email")
    prepopulated_fields = {"slug": ("name",)}

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """There are six hundred zones: one is searched, not scrolled to."""
        if db_field.name != "timezone":
            return super().formfield_for_choice_field(db_field, request, **kwargs)
        label, initial = db_field.verbose_name.capitalize(), db_field.default
        words = f"{db_field.help_text} Type a part of its name, and choose."
        return ZoneField(label=label, initial=initial, help_text=words, max_length=db_field.max_length)

    def get_form(self, request: HttpRequest, obj: Workspace | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj:
            return super().get_form(request, obj, change, **kwargs)
        form: Any = super().get_form(request, obj, change, form=NewWorkspaceForm, **kwargs)
        form.by = request.user
        return form

    def get_inlines(self, request: HttpRequest, obj: Workspace | None = None) -> list[Any]:
        return [MembershipInline, TeamInline] if obj else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workspace]:
        return super().get_queryset(request).prefetch_related("memberships__user")

    @admin.display(description="owners")
    def owners(self, workspace: Workspace) -> str:
        return ", ".join(member.user.email for member in workspace.memberships.all() if member.role == "owner")

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if isinstance(form, NewWorkspaceForm):
            owner = form.make_people()
            invite(request, owner)
            form.instance.record("created", by=request.user, about=form.instance.name)

    def save_model(self, request: PersonRequest, obj: Workspace, form: Any, change: bool) -> None:  # type: ignore[override]
        super().save_model(request, obj, form, change)
        if change and "requires_second_factor" in form.changed_data:
            obj.record_second_factor(by=request.user)
        if change and (was := words_of_before(form, PLACE_WORDS)):
            obj.record("changed the workspace", by=request.user, about=obj.name, detail=was)
        if change and "timezone" in form.changed_data:
            obj.connections.plan_anew()

    def save_formset(self, request: Any, form: Any, formset: Any, change: bool) -> None:
        """Who is taken out leaves as if on the Members page; who comes or changes is in the workspace's trail."""
        if formset.model is Team:
            self.save_teams(request, form.instance, formset)
            return
        formset.save(commit=False)
        for membership in [*formset.new_objects, *(changed for changed, _ in formset.changed_objects)]:
            membership.save()
            verb = "added the member" if membership in formset.new_objects else "changed the role of"
            detail = f"Now {membership.get_role_display().lower()}."
            form.instance.record(verb, by=request.user, about=str(membership.user), detail=detail)
        for membership in formset.deleted_objects:
            self.end(request, membership)

    def save_teams(self, request: PersonRequest, workspace: Workspace, formset: Any) -> None:
        before = {form.instance.pk: words_of_before(form, PLACE_WORDS) for form in formset.initial_forms}
        formset.save()
        for team in formset.new_objects:
            workspace.record("created the team", by=request.user, about=team.name)
        for team, _ in formset.changed_objects:
            workspace.record("changed the team", by=request.user, about=team.name, detail=before[team.pk])

    def has_delete_permission(self, request: HttpRequest, obj: Workspace | None = None) -> bool:
        # Its trail would go with it, and nobody could say who did it.
        return False

    def end(self, request: PersonRequest, membership: Membership) -> None:
        try:
            end_membership(membership, by=request.user)
        except (LastOwner, OwnersAlone) as refusal:
            self.message_user(request, str(refusal), messages.ERROR)


PLACE_WORDS = {"name": "Its name was {}.", "slug": "Its address was /w/{}/.", "timezone": "Its time zone was {}."}
ACCOUNT_WORDS = {
    "is_active": ("May log in no longer.", "May log in again."),
    "is_staff": ("Is no longer site staff.", "Is site staff now."),
    "is_superuser": ("No longer has every right of site staff.", "Has every right of site staff now."),
}


def words_of_before(form: Any, words: Mapping[str, str]) -> str:
    return " ".join(words[field].format(form.initial[field]) for field in words if field in form.changed_data)


def account_words(form: Any) -> Iterator[str]:
    """What was changed in a person's account, for the trail."""
    yield words_of_before(form, {"name": "The name was {}."})
    for field, (no, yes) in ACCOUNT_WORDS.items():
        if field in form.changed_data:
            yield yes if form.cleaned_data[field] else no
    if {"groups", "user_permissions"} & {*form.changed_data}:
        yield "Has other rights as site staff."


def invite(request: HttpRequest, user: User) -> None:
    """Send the link by which a new person sets their password; it also proves the address."""
    form = ResetPasswordForm(data={"email": user.email})
    if not user.has_usable_password() and form.is_valid():
        form.save(request)


def note_address(user: User, *, before: str, by: User) -> None:
    """Whoever has the address can set the password: the person is told where they read so far, and colleagues too."""
    for address in (before, user.email):
        get_adapter().send_mail("account/email/address_changed", address, {"before": before, "now": user.email})
    user.record("changed the e-mail address of", by=by, detail=f"From {before} to {user.email}.")


RANK = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(OfPeople):
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name", "memberships__workspace__name")
    ordering = ("email",)
    fieldsets = (
        (None, {"fields": ("email", "name", "is_active", "last_login", "date_joined", "workspaces")}),
        ("Rights as site staff", {"fields": RANK, "classes": ("collapse",)}),
    )
    readonly_fields = ("last_login", "date_joined", "workspaces")
    filter_horizontal = ("groups", "user_permissions")

    actions = ("switch_off_two_step_login",)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if request.user.has_perm("connections.change_user") else {}

    @admin.action(description="Switch off two-step login (phone and recovery codes are gone)")
    def switch_off_two_step_login(self, request: PersonRequest, queryset: QuerySet[User]) -> None:
        # Their own ends on their own page, with a code.
        others = queryset.exclude(pk=request.user.pk)
        # Of other staff only by superusers: whoever can reset the first step too would be them.
        for user in others if request.user.is_superuser else others.filter(is_staff=False, is_superuser=False):
            second_factor.switch_off(user, by=request.user)
            get_adapter().send_notification_mail("mfa/email/totp_deactivated", user)
            self.message_user(request, f"{user}: two-step login is off.")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Nobody raises themselves or others above what they are."""
        return self.readonly_fields if request.user.is_superuser else (*self.readonly_fields, *RANK)

    @admin.display(description="workspaces")
    def workspaces(self, user: User) -> str:
        members = user.memberships.select_related("workspace")
        return ", ".join(f"{member.workspace} ({member.get_role_display()})" for member in members) or "none"

    def save_model(self, request: PersonRequest, obj: User, form: Any, change: bool) -> None:  # type: ignore[override]
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if "is_active" in form.changed_data and not obj.is_active:
            switch_off(obj)
        if "email" in form.changed_data:
            vouch_for(obj)
        if change and "email" in form.changed_data:
            note_address(obj, before=form.initial["email"], by=request.user)
        if change and (words := " ".join(filter(None, account_words(form)))):
            obj.record("changed the account of", by=request.user, detail=words)
        if not change:
            invite(request, obj)
        if not change and obj.is_active:
            self.message_user(request, f"A link to set a password is on its way to {obj.email}.")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Whoever sets a person's address can have a link sent there that sets the password, and is them.
        is_above = obj and (obj.is_staff or obj.is_superuser) and obj != request.user
        return super().has_change_permission(request, obj) and (request.user.is_superuser or not is_above)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Trails and connections name people; who leaves is taken out of the workspace, or may no longer log in.
        return False


class RightsAdmin(OfPeople):
    """Who may change what a group may do may do everything: superusers alone."""

    search_fields = ("name",)
    filter_horizontal = ("permissions",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


admin.site.unregister(Group)
admin.site.register(Group, RightsAdmin)


@admin.register(Team)
class TeamAdmin(OfPeople):
    form = TeamForm
    list_display = ("name", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("name", "workspace__name")
    autocomplete_fields = ("workspace",)

    def get_readonly_fields(self, request: HttpRequest, obj: Team | None = None) -> tuple[str, ...]:
        return ("workspace",) if obj else ()

    def get_form(self, request: HttpRequest, obj: Team | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.by = request.user
        return form

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        members = in_words([str(member) for member in form.instance.members.select_related("user")])
        verb = "changed the team" if change else "created the team"
        form.instance.workspace.record(
            verb, by=request.user, about=form.instance.name, detail=f"In it: {members}."[:300]
        )

    def delete_model(self, request: Any, obj: Team) -> None:
        disband(obj, by=request.user)

    def delete_queryset(self, request: Any, queryset: QuerySet[Team]) -> None:
        for team in queryset:
            disband(team, by=request.user)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The connections of a team do not go with it: they become private to their creators."""
        texts = [f"{team}: its connections become private to their creators" for team in objs]
        return texts, {"teams": len(texts)}, set(), []


@admin.register(SignIn)
class SignInAdmin(ReadOnly):
    list_display = ("at", "person", "outcome", "client", "browser", "used_code", "failures_before")
    list_filter = ("outcome", "used_code")
    list_select_related = ("person",)
    search_fields = ("person__email", "client")
