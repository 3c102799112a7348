"""What happens when somebody leaves a workspace, or a team is given up."""

from django.db import transaction
from django.utils import timezone

from connections.models import Connection, Membership, Privacy, Team, User, Workspace


@transaction.atomic
def end_membership(membership: Membership, *, by: User) -> None:
    """Access ends with the next request. What was shared stays and runs on; what was private stops now.

    Raises LastOwner when the workspace would be left without one.
    """
    # Two owners who leave in the same moment must not both find the other one.
    workspace = Workspace.objects.select_for_update(no_key=True).get(pk=membership.workspace_id)
    if not workspace.memberships.filter(pk=membership.pk).exists():
        return  # Somebody else was quicker.
    membership.require_another_owner()
    private = Connection.objects.filter(workspace=workspace, created_by=membership.user, privacy=Privacy.PRIVATE)
    for connection in private:
        connection.stop_syncs("Its owner left the workspace.")
    private.update(orphaned_at=timezone.now())
    if by == membership.user:
        workspace.record("left", by=by, about=str(workspace))
    else:
        workspace.record("removed the member", by=by, about=str(membership.user))
    membership.delete()


@transaction.atomic
def disband(team: Team, *, by: User) -> None:
    """Its connections become private to their creators."""
    team.workspace.record("deleted the team", by=by, about=team.name)
    team.disband()
