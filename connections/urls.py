"""The product's addresses, one line a view, with the view's verb as its name."""

from django.urls import path

from connections import data_views, people_views, pulling_views, standby_views, team_views, views, wizard

app_name = "connections"

CONNECTION = "connections/<slug:source>/<uuid:pk>/"

urlpatterns = [
    path("", people_views.front, name="front"),
    path("connections/", views.list, name="list"),
    path("connections/add/", wizard.add, name="add"),
    path("connections/add/<slug:source>/<uuid:pk>/", wizard.set_up, name="set_up"),
    path("connections/add/<slug:source>/<uuid:pk>/keep/", wizard.keep, name="keep"),
    path("connections/add/<slug:source>/<uuid:pk>/discard/", wizard.discard, name="discard"),
    path("connections/add/<slug:source>/<uuid:pk>/finish/", wizard.finish, name="finish"),
    path("connections/<slug:source>/", views.list, name="source_list"),
    path(CONNECTION, views.detail, name="detail"),
    path(f"{CONNECTION}progress/", pulling_views.progress, name="progress"),
    path(f"{CONNECTION}pulling/", pulling_views.pulling, name="pulling"),
    path(f"{CONNECTION}test/", views.test, name="test"),
    path(f"{CONNECTION}sync/", pulling_views.sync_now, name="sync_now"),
    path(f"{CONNECTION}pause/", views.pause, name="pause"),
    path(f"{CONNECTION}resume/", views.resume, name="resume"),
    path(f"{CONNECTION}delete/", views.delete, name="delete"),
    path(f"{CONNECTION}standby/", standby_views.store, name="store_standby"),
    path(f"{CONNECTION}standby/remove/", standby_views.remove, name="remove_standby"),
    path(f"{CONNECTION}syncs/", data_views.syncs, name="syncs"),
    path(f"{CONNECTION}syncs/<int:number>/", data_views.sync, name="sync"),
    path(f"{CONNECTION}syncs/<int:number>/cancel/", pulling_views.cancel, name="cancel"),
    path(f"{CONNECTION}data/", data_views.data, name="data"),
    path(f"{CONNECTION}data/<str:stream>.csv", data_views.download, {"format": "csv"}, name="download_csv"),
    path(f"{CONNECTION}data/<str:stream>.jsonl", data_views.download, {"format": "jsonl"}, name="download_jsonl"),
    path(f"{CONNECTION}data/<str:stream>/", data_views.rows, name="rows"),
    path("settings/", people_views.settings, name="settings"),
    path("settings/members/", people_views.members, name="members"),
    path("settings/members/second-factor/", people_views.require_second_factor, name="require_second_factor"),
    path("settings/members/<int:pk>/remove/", people_views.remove_member, name="remove_member"),
    path("settings/members/<int:pk>/role/", people_views.change_member, name="change_member"),
    path("settings/members/left/<int:pk>/delete/", people_views.delete_left_behind, name="delete_left_behind"),
    path("settings/members/leave/", people_views.leave, name="leave"),
    path("settings/teams/", team_views.teams, name="teams"),
    path("settings/teams/<int:pk>/", team_views.team, name="team"),
    path("settings/teams/<int:pk>/delete/", team_views.delete_team, name="delete_team"),
    path("settings/activity/", people_views.activity, name="activity"),
]
