"""What happens when somebody leaves a workspace or gets another role in it, or a team is given up."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import get_object_or_404

from connections.models import Connection, Membership, Role, Team, User, Workspace


class OwnersAlone(Exception):
    """Only an owner makes, unmakes or removes an owner."""


@transaction.atomic
def end_membership(membership: Membership, *, by: User) -> None:
    """Access ends with the next request. What was shared stays and runs on; what was private stops now.

    Raises LastOwner when the workspace would be left without one, OwnersAlone, and as `lock`.
    """
    workspace = lock(membership.workspace, by=None if by == membership.user else by)
    present = workspace.memberships.filter(pk=membership.pk).first()
    if present is None:
        return  # Somebody else was quicker.
    require_removable(present, by=by)
    membership.delete()  # First: it waits for what they are doing at this moment, which has to be seen below.
    Connection.objects.filter(workspace=workspace, created_by=membership.user).leave_behind()
    if by == membership.user:
        workspace.record("left", by=by, about=str(workspace))
    else:
        workspace.record("removed the member", by=by, about=str(membership.user))


@transaction.atomic
def switch_off(user: User) -> None:
    """Who may not log in any more is as one who left all workspaces; switched on again, as one who came back."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    Connection.objects.filter(created_by=user).leave_behind()


@transaction.atomic
def change_role(membership: Membership, role: Role, *, by: User) -> None:
    """Raises LastOwner, OwnersAlone, Membership.DoesNotExist when they are no longer a member, and as `lock`."""
    workspace = lock(membership.workspace, by=by)
    present = workspace.memberships.select_related("user", "workspace").get(pk=membership.pk)
    if Role.OWNER in (role, present.role):
        require_owner(workspace.memberships.get(user=by))
    if role == present.role:
        return
    present.require_another_owner()
    present.role = role
    present.save(update_fields=["role"])
    workspace.record("changed the role of", by=by, about=str(present.user), detail=f"Now {role.label.lower()}.")


def require_removable(membership: Membership, *, by: User) -> None:
    """Staff may remove anybody, in the admin. Raises LastOwner and OwnersAlone."""
    membership.require_another_owner()
    remover = Membership.objects.filter(workspace=membership.workspace_id, user=by).first()
    if membership.role == Role.OWNER and remover:
        require_owner(remover)


def require_owner(membership: Membership) -> None:
    """Raises OwnersAlone."""
    if membership.role != Role.OWNER:
        raise OwnersAlone("Only an owner can make somebody an owner, or change or remove one.")


def lock(workspace: Workspace, *, by: User | None) -> Workspace:
    """Within a transaction: its people stay as they are. Two owners who leave at once must not both find the other one.

    `by` is who does something as an administrator, and must be one still, or acts as site staff. Raises
    PermissionDenied, and Http404 when they have just left.
    """
    locked = Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    if by and not by.acts_as_staff and not get_object_or_404(locked.memberships, user=by).is_administrator:
        raise PermissionDenied("They are no longer an administrator.")
    return locked


@transaction.atomic
def disband(team: Team, *, by: User) -> None:
    """Its connections become private to their creators. Raises as `lock`."""
    lock(team.workspace, by=by)
    team.workspace.record("deleted the team", by=by, about=team.name)
    team.disband()
