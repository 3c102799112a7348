"""Probes and measures, for whatever watches the site."""

from django.urls import path

from connections.operating import views

urlpatterns = [
    path("healthz", views.healthz),
    path("readyz", views.readyz),
    path("metrics", views.metrics),
]
