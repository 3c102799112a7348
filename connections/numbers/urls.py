"""The addresses of a connection's numbers, below its own."""

from django.urls import path

from connections.numbers import pinning_views, views

urlpatterns = [
    path("numbers/", views.numbers, name="numbers"),
    path("numbers/<slug:number>/", views.number, name="number"),
    path("numbers/<slug:number>/check/", views.check_number, name="check_number"),
    path("numbers/<slug:number>/pin/", pinning_views.pin, name="pin"),
]
