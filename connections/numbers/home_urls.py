"""The addresses of Home, and of what people pinned to it."""

from django.urls import path

from connections.numbers import home_views, pinning_views

urlpatterns = [
    path("", home_views.home, name="home"),
    path("pins/<int:pk>/", pinning_views.pinned, name="pinned"),
    path("pins/<int:pk>/remove/", pinning_views.unpin, name="unpin"),
    path("sample/", home_views.look_around, name="look_around"),
    path("sample/remove/", home_views.remove_sample, name="remove_sample"),
]
