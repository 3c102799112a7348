"""The product's addresses, one line a view, with the view's verb as its name."""

from django.urls import include, path

from connections import standby_views, views, wizard

app_name = "connections"

CONNECTION = "connections/<slug:source>/<uuid:pk>/"

urlpatterns = [
    path("connections/add/", wizard.add, name="add"),
    path("connections/add/<slug:source>/<uuid:pk>/", wizard.set_up, name="set_up"),
    path("connections/add/<slug:source>/<uuid:pk>/keep/", wizard.keep, name="keep"),
    path("connections/add/<slug:source>/<uuid:pk>/discard/", wizard.discard, name="discard"),
    path("connections/add/<slug:source>/<uuid:pk>/finish/", wizard.finish, name="finish"),
    path(CONNECTION, views.detail, name="detail"),
    path(f"{CONNECTION}test/", views.test, name="test"),
    path(f"{CONNECTION}pause/", views.pause, name="pause"),
    path(f"{CONNECTION}resume/", views.resume, name="resume"),
    path(f"{CONNECTION}delete/", views.delete, name="delete"),
    path(f"{CONNECTION}standby/", standby_views.store, name="store_standby"),
    path(f"{CONNECTION}standby/remove/", standby_views.remove, name="remove_standby"),
    path(CONNECTION, include("connections.syncing.urls")),
    path(CONNECTION, include("connections.data.urls")),
    path("settings/", include("connections.people.urls")),
    path("", include("connections.listing.urls")),
]
