"""What happens when somebody leaves a workspace."""

from django.db import transaction
from django.utils import timezone

from connections.models import Connection, Membership, Privacy, User


@transaction.atomic
def end_membership(membership: Membership, *, by: User) -> None:
    """Access ends with the next request. What was shared stays and runs on; what was private stops now.

    Raises LastOwner when the workspace would be left without one.
    """
    membership.require_another_owner()
    private = Connection.objects.filter(
        workspace=membership.workspace, created_by=membership.user, privacy=Privacy.PRIVATE
    )
    for connection in private:
        connection.stop_syncs("Its owner left the workspace.")
    private.update(orphaned_at=timezone.now())
    membership.workspace.events.create(verb="removed", about=str(membership.user), actor=by)
    membership.delete()
