"""The addresses of a workspace's people, below its settings."""

from django.urls import path

from connections.people import privacy_views, team_views, views, workspace_views

urlpatterns = [
    path("", views.settings, name="settings"),
    path("workspace/", workspace_views.workspace, name="workspace"),
    path("members/", views.members, name="members"),
    path("members/second-factor/", views.require_second_factor, name="require_second_factor"),
    path("members/<int:pk>/remove/", views.remove_member, name="remove_member"),
    path("members/<int:pk>/role/", views.change_member, name="change_member"),
    path("members/left/<int:pk>/delete/", views.delete_left_behind, name="delete_left_behind"),
    path("members/leave/", views.leave, name="leave"),
    path("teams/", team_views.teams, name="teams"),
    path("teams/<int:pk>/", team_views.team, name="team"),
    path("teams/<int:pk>/delete/", team_views.delete_team, name="delete_team"),
    path("privacy/", privacy_views.privacy, name="privacy"),
    path("privacy/<int:pk>/", privacy_views.person_erasure, name="person_erasure"),
    path("privacy/<int:pk>/erase/", privacy_views.erase_person, name="erase_person"),
    path("privacy/<int:pk>/discard/", privacy_views.discard_erasure, name="discard_erasure"),
    path("activity/", views.activity, name="activity"),
]
