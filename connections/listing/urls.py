"""The addresses of the lists."""

from django.urls import path

from connections.listing import views

urlpatterns = [
    path("connections/", views.list, name="list"),
    path("connections/chosen/act/", views.act_on_chosen, name="act_on_chosen"),
    path("connections/<slug:source>/", views.list, name="source_list"),
]
