"""Probes and measures, for whatever watches the site; and whom to tell of a weakness."""

from django.urls import path

from connections.operating import views

urlpatterns = [
    *(path(name, view) for name, view in views.PROBES.items()),  # `ProbesFirst` answers them.
    path(".well-known/security.txt", views.security_txt),
]
