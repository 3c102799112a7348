"""What staff can do in the admin, and what they cannot see there."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client
from django.utils import timezone

from connections.checking.checking import note_failure
from connections.models import Connection, Health, Membership, Notice, State, Sync, Team, User, Workspace
from connections.models.sync import SyncState
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import AccountUnavailable
from tests.conftest import PASSWORD, Connect, client_of

CONNECTIONS = "/admin/connections/connection/"
KEY = "feedfacefeedfacefeedfacefeedfacefeedfacefeedface"


def act(client: Client, action: str, connection: Connection) -> str:
    return client.post(
        CONNECTIONS, {"action": action, "_selected_action": str(connection.pk)}, follow=True
    ).content.decode()


def break_down(connection: Connection) -> None:
    sync = Sync.objects.queue(connection, trigger="schedule")
    sync.state, sync.reason = SyncState.FAILED, "ActiveCampaign did not accept this key."
    sync.save()
    connection.set_health(Health.ACTION_NEEDED, "ActiveCampaign did not accept this key.", code="key_refused")
    connection.save_health()
    connection.record("stopped working", by=None, detail="ActiveCampaign did not accept this key.")


def test_support_sees_why_a_connection_stopped_and_retries_it(
    staff_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox, name="Tea shop")
    break_down(connection)

    found = staff_client.get(CONNECTIONS, {"q": "alice@harbourtea.example"}).content.decode()
    told = staff_client.get(f"{CONNECTIONS}{connection.pk}/change/").content.decode()
    tested = act(staff_client, "test_now", connection)
    retried = act(staff_client, "sync_now", connection)

    assert "Tea shop" in found
    assert "Action needed" in found
    assert told.count("ActiveCampaign did not accept this key.") >= 3  # health, sync, trail
    assert "Tea shop stopped working" in told
    assert "BlinkMetrics stopped working" not in told
    assert "Tea shop: it works." in tested
    assert "Tea shop: a sync is queued." in retried
    connection.refresh_from_db()
    assert connection.health == Health.HEALTHY
    assert connection.syncs.active().count() == 1


def test_each_action_of_staff_is_in_the_trail(
    staff_client: Client, staff: User, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)

    for action in ("test_now", "sync_now", "pause", "resume"):
        act(staff_client, action, connection)

    by_staff = connection.events.filter(actor=staff).order_by("at").values_list("verb", flat=True)
    assert [*by_staff] == ["tested", "asked for a sync", "paused", "resumed"]


def test_support_makes_a_workspace_with_its_owner_and_a_team_on_one_page(staff_client: Client) -> None:
    answer = staff_client.post(
        "/admin/connections/workspace/add/",
        {
            "name": "Quay Cafe",
            "slug": "quay-cafe",
            "timezone": "Europe/Vienna",
            "owner_email": "Noor@quay.example",
            "owner_name": "Noor",
            "team_name": "Sales",
        },
    )

    assert answer.status_code == 302
    owner = Membership.objects.get(workspace__slug="quay-cafe", role="owner").user
    assert owner.email == "noor@quay.example"
    assert Team.objects.get(workspace__slug="quay-cafe", name="Sales").members.get().user == owner
    assert mail.outbox[0].to == ["noor@quay.example"]


def test_the_new_owner_sets_a_password_with_the_link_in_the_mail_and_logs_in(staff_client: Client) -> None:
    staff_client.post(
        "/admin/connections/workspace/add/",
        {
            "name": "Quay Cafe",
            "slug": "quay-cafe",
            "timezone": "Europe/Vienna",
            "owner_email": "noor@quay.example",
            "owner_name": "",
            "team_name": "",
        },
    )
    link = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", mail.outbox[0].body).group(1)

    client = Client()
    form = client.get(link, follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": "kettle-on-9", "password2": "kettle-on-9"})
    client.post("/accounts/login/", {"login": "noor@quay.example", "password": "kettle-on-9"})

    assert client.get("/w/quay-cafe/connections/").status_code == 200


def test_whoever_adds_a_person_is_told_that_a_link_is_on_its_way(staff_client: Client) -> None:
    page = staff_client.post(
        "/admin/connections/user/add/", {"email": "noor@quay.example", "name": "Noor", "is_active": "on"}, follow=True
    )

    assert "A link to set a password is on its way to noor@quay.example." in page.content.decode()
    assert "The link works once, within three days" in mail.outbox[0].body


def test_support_lists_what_needs_attention_and_since_when(staff_client: Client, connect: Connect) -> None:
    broken, fine = connect(name="Broken one"), connect(name="Fine one", api_url="https://other.api-us1.com")
    break_down(broken)
    since = timezone.now().replace(year=2026, month=3, day=2)
    Connection.objects.filter(pk=broken.pk).update(health_since=since)

    listed = staff_client.get(CONNECTIONS, {"shown": "attention"}).content.decode()

    assert broken.name in listed
    assert fine.name not in listed
    assert "2 Mar 2026" in listed


@pytest.mark.parametrize(
    "address",
    [CONNECTIONS, CONNECTIONS + "{pk}/change/", "/admin/connections/sync/", "/admin/connections/event/", "/admin/"],
)
def test_no_page_of_the_admin_holds_a_secret(staff_client: Client, connect: Connect, address: str) -> None:
    connection = connect(api_key=KEY, api_url="https://quietcove.api-us1.com")
    connection.record("tested", by=None)

    page = staff_client.get(address.format(pk=connection.pk)).content.decode()

    for secret in (KEY, connection.api_key, connection.api_url, connection.key_fingerprint, "quietcove"):
        assert secret not in page


def test_staff_see_which_notices_wait_and_why_and_not_what_they_say(staff_client: Client, connect: Connect) -> None:
    note_failure(connect(privacy="private", name="Tea shop"), AccountUnavailable("Unpaid."))
    waiting = Notice.objects.get()
    waiting.put_off("SMTPDataError")

    listed = staff_client.get("/admin/connections/notice/", {"state": "waiting"}).content.decode()
    page = staff_client.get(f"/admin/connections/notice/{waiting.pk}/change/").content.decode()

    for shown in (listed, page):
        assert all(word in shown for word in ("needs you", "Harbour Tea", "private, of Alice Okafor", "SMTPDataError"))
        assert "Tea shop" not in shown
        assert "save" not in shown.lower().replace("saved", "")


def test_the_admin_leads_to_no_page_that_staff_may_not_see(
    staff_client: Client, connect: Connect, workspace: Workspace
) -> None:
    connection = connect(privacy="private")
    sync = connection.syncs.queue(connection, trigger="person")

    for address in (f"connection/{connection.pk}", f"sync/{sync.pk}", f"workspace/{workspace.pk}"):
        assert "View on site" not in staff_client.get(f"/admin/connections/{address}/change/").content.decode()


def test_a_search_in_the_admin_does_not_reach_secrets(staff_client: Client, connect: Connect) -> None:
    connection = connect(api_key=KEY, name="Tea shop")

    found = staff_client.get(CONNECTIONS, {"q": connection.account_fingerprint}).content.decode()

    assert "Tea shop" not in found


def test_credentials_privacy_and_name_are_not_edited_in_the_admin(staff_client: Client, connect: Connect) -> None:
    connection = connect(name="Tea shop", privacy="private")
    before = Connection.objects.filter(pk=connection.pk).values().get()

    answer = staff_client.post(
        f"{CONNECTIONS}{connection.pk}/change/", {"name": "x", "privacy": "workspace", "api_key": KEY}
    )

    assert answer.status_code == 403
    assert Connection.objects.filter(pk=connection.pk).values().get() == before


def test_a_connection_is_neither_made_nor_deleted_in_the_admin(staff_client: Client, connect: Connect) -> None:
    connection = connect()

    assert staff_client.post(f"{CONNECTIONS}add/", {}).status_code == 403
    assert staff_client.post(f"{CONNECTIONS}{connection.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Connection.objects.filter(pk=connection.pk).exists()


def test_people_without_the_staff_mark_do_not_enter(alice_client: Client) -> None:
    assert alice_client.get("/admin/", follow=True).status_code == 403
    assert Client().get("/admin/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/")


def test_the_admins_own_login_form_is_not_served(staff: User) -> None:
    answer = Client().post("/admin/login/", {"username": staff.email, "password": PASSWORD})

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_a_team_deleted_in_the_admin_makes_its_connections_private(
    staff_client: Client, connect: Connect, growth: Team
) -> None:
    connection = connect(privacy="team", team=growth)

    asked = staff_client.get(f"/admin/connections/team/{growth.pk}/delete/").content.decode()
    staff_client.post(f"/admin/connections/team/{growth.pk}/delete/", {"post": "yes"})

    assert "private to their creators" in asked
    connection.refresh_from_db()
    assert (connection.privacy, connection.team) == ("private", None)


def test_a_team_takes_only_members_of_its_own_workspace(
    staff_client: Client, growth: Team, charlie: User, alice: User
) -> None:
    stranger = charlie.memberships.get()

    page = staff_client.post(
        f"/admin/connections/team/{growth.pk}/change/", {"name": "Growth", "members": [stranger.pk]}
    )

    assert page.status_code == 200
    assert stranger not in growth.members.all()


def workspace_form(workspace: Workspace, members: list[Membership], **changed: str) -> dict[str, str]:
    form = {"name": workspace.name, "slug": workspace.slug, "timezone": workspace.timezone}
    form |= {f"memberships-{name}": str(len(members)) for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    form |= {f"teams-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    for place, member in enumerate(members):
        line = {"id": member.pk, "workspace": workspace.pk, "user": member.user_id, "role": member.role}
        form |= {f"memberships-{place}-{field}": str(value) for field, value in line.items()}
    return form | changed


def test_a_member_taken_out_by_staff_leaves_teams_and_private_connections_stop(
    staff_client: Client, workspace: Workspace, growth: Team, bob: User, alice: User, connect: Connect
) -> None:
    private = connect(by=bob, privacy="private")
    Sync.objects.queue(private, trigger="schedule")
    members = [*workspace.memberships.order_by("pk")]
    place = [member.user for member in members].index(bob)

    staff_client.post(
        f"/admin/connections/workspace/{workspace.pk}/change/",
        workspace_form(workspace, members, **{f"memberships-{place}-DELETE": "on"}),
    )

    assert not workspace.memberships.filter(user=bob).exists()
    assert not growth.members.filter(user=bob).exists()
    assert private.syncs.get().state == SyncState.STOPPED


def test_the_last_owner_cannot_be_taken_out(staff_client: Client, workspace: Workspace, alice: User) -> None:
    members = [*workspace.memberships.all()]

    page = staff_client.post(
        f"/admin/connections/workspace/{workspace.pk}/change/",
        workspace_form(workspace, members, **{"memberships-0-DELETE": "on"}),
        follow=True,
    ).content.decode()

    assert "last owner" in page
    assert workspace.memberships.filter(user=alice).exists()


def test_the_last_owner_cannot_be_made_a_member(staff_client: Client, workspace: Workspace, alice: User) -> None:
    members = [*workspace.memberships.all()]

    page = staff_client.post(
        f"/admin/connections/workspace/{workspace.pk}/change/",
        workspace_form(workspace, members, **{"memberships-0-role": "member"}),
        follow=True,
    ).content.decode()

    assert "last owner" in page
    assert workspace.memberships.get(user=alice).role == "owner"


def test_the_list_needs_as_many_queries_at_thirty_connections_as_at_one(
    staff_client: Client, connect: Connect, django_assert_max_num_queries: Callable
) -> None:
    connect()
    with django_assert_max_num_queries(50) as at_one:
        staff_client.get(CONNECTIONS)
    for number in range(30):
        connect(name=f"Account {number}", api_url=f"https://a{number}.api-us1.com")
    with django_assert_max_num_queries(len(at_one)):
        staff_client.get(CONNECTIONS)


def test_a_paused_connection_is_not_synced_by_staff(staff_client: Client, connect: Connect) -> None:
    connection = connect()
    Connection.objects.filter(pk=connection.pk).update(state=State.PAUSED)

    page = act(staff_client, "sync_now", connection)

    assert "it cannot be synced" in page
    assert not connection.syncs.exists()


def test_staff_who_are_not_superusers_do_not_raise_themselves(db: None, staff: User) -> None:
    clerk = User.objects.create_user("clerk@blinkmetrics.example", PASSWORD, is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))

    form = {"email": clerk.email, "name": "Clerk", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    client_of(clerk).post(f"/admin/connections/user/{clerk.pk}/change/", form)

    clerk.refresh_from_db()
    assert clerk.name == "Clerk"
    assert not clerk.is_superuser


@pytest.mark.parametrize(
    "address",
    [
        "/admin/connections/user/?password__regex=^p",
        "/admin/connections/user/?session_mark__gte=a",
        "/admin/connections/connection/?key_hint=c3d4",
        "/admin/connections/connection/?key_fingerprint__startswith=a",
        "/admin/connections/event/?changes__contains=a",
        "/admin/connections/signin/?person__password__regex=^p",
        "/admin/connections/accountbudget/?sent__contains=a",
    ],
)
def test_no_filter_in_an_address_tells_what_the_page_does_not_offer(staff_client: Client, address: str) -> None:
    assert staff_client.get(address).status_code == 400


@pytest.mark.parametrize("address", ["user/?is_staff__exact=1", "sync/?state__exact=done&created_at__year=2026"])
def test_a_filter_that_the_page_offers_is_followed(staff_client: Client, address: str) -> None:
    assert staff_client.get(f"/admin/connections/{address}").status_code == 200


def test_an_address_that_staff_replaced_does_not_log_in_any_more(staff_client: Client, dana: User) -> None:
    form = {"email": "dana@new.example", "name": "Dana", "is_active": "on"}
    staff_client.post(f"/admin/connections/user/{dana.pk}/change/", form)

    old = Client().post("/accounts/login/", {"login": "dana@harbourtea.example", "password": PASSWORD})
    new = Client().post("/accounts/login/", {"login": "dana@new.example", "password": PASSWORD})

    assert old.status_code == 200
    assert new["Location"] == "/"


def test_who_staff_add_to_a_workspace_is_in_its_trail(
    staff_client: Client, workspace: Workspace, alice: User, staff: User
) -> None:
    members = [*workspace.memberships.all()]
    form = workspace_form(workspace, members) | {
        "memberships-TOTAL_FORMS": "2",
        "memberships-1-workspace": str(workspace.pk),
        "memberships-1-user": str(staff.pk),
        "memberships-1-role": "admin",
    }

    staff_client.post(f"/admin/connections/workspace/{workspace.pk}/change/", form)

    assert workspace.memberships.filter(user=staff).exists()
    event = workspace.events.get(verb="added the member")
    assert (event.actor, event.about) == (staff, str(staff))


def test_an_unfinished_set_up_is_not_tested_by_staff(staff_client: Client, alice_client: Client, alice: User) -> None:
    alice_client.post("/w/harbour-tea/connections/add/", {"source": "activecampaign"})
    draft = Connection.objects.get()

    act(staff_client, "test_now", draft)

    draft.refresh_from_db()
    assert draft.health == Health.NOT_VERIFIED
    assert not mail.outbox
