"""The addresses of a connection's syncs and of what is pulled, below its own."""

from django.urls import path

from connections.syncing import field_views, views

urlpatterns = [
    path("progress/", views.progress, name="progress"),
    path("pulling/", views.pulling, name="pulling"),
    path("fields/", field_views.fields, name="fields"),
    path("fields/<str:stream>/", field_views.fields_of, name="fields_of"),
    path("sync/", views.sync_now, name="sync_now"),
    path("read-again/", views.read_again, name="read_again"),
    path("missing/", views.decide_missing, name="decide_missing"),
    path("clear/", views.clear_data, name="clear_data"),
    path("syncs/", views.syncs, name="syncs"),
    path("syncs/<int:number>/", views.sync, name="sync"),
    path("syncs/<int:number>/cancel/", views.cancel, name="cancel"),
]
