"""The product's addresses in a workspace, one line a room."""

from django.urls import include, path

app_name = "connections"

CONNECTION = "connections/<slug:source>/<uuid:pk>/"

urlpatterns = [
    path("connections/add/", include("connections.stepper.urls")),
    path(CONNECTION, include("connections.keeping.urls")),
    path(CONNECTION, include("connections.syncing.urls")),
    path(CONNECTION, include("connections.data.urls")),
    path(CONNECTION, include("connections.numbers.urls")),
    path("settings/", include("connections.people.urls")),
    path("", include("connections.listing.urls")),
    path("", include("connections.numbers.home_urls")),
]
