"""The product's addresses, one line a view, with the view's verb as its name."""

from django.urls import include, path

from connections import wizard

app_name = "connections"

CONNECTION = "connections/<slug:source>/<uuid:pk>/"

urlpatterns = [
    path("connections/add/", wizard.add, name="add"),
    path("connections/add/<slug:source>/<uuid:pk>/", wizard.set_up, name="set_up"),
    path("connections/add/<slug:source>/<uuid:pk>/keep/", wizard.keep, name="keep"),
    path("connections/add/<slug:source>/<uuid:pk>/discard/", wizard.discard, name="discard"),
    path("connections/add/<slug:source>/<uuid:pk>/finish/", wizard.finish, name="finish"),
    path(CONNECTION, include("connections.keeping.urls")),
    path(CONNECTION, include("connections.syncing.urls")),
    path(CONNECTION, include("connections.data.urls")),
    path("settings/", include("connections.people.urls")),
    path("", include("connections.listing.urls")),
]
