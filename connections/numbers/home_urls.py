"""The addresses of Home, and of what people pinned to it."""

from django.urls import path

from connections.numbers import home_views, pinning

urlpatterns = [
    path("", home_views.home, name="home"),
    path("pins/<int:pk>/", pinning.pinned, name="pinned"),
    path("pins/<int:pk>/remove/", pinning.unpin, name="unpin"),
    path("sample/", home_views.look_around, name="look_around"),
    path("sample/remove/", home_views.remove_sample, name="remove_sample"),
]
