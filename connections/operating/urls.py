"""Probes and measures, for whatever watches the site."""

from django.urls import path

from connections.operating import views

urlpatterns = [path(name, view) for name, view in views.PROBES.items()]  # `ProbesFirst` answers them.
