"""The addresses of a connection's data, below its own."""

from django.urls import path

from connections.data import views

urlpatterns = [
    path("data/", views.data, name="data"),
    path("data/<str:stream>.csv", views.download, {"format": "csv"}, name="download_csv"),
    path("data/<str:stream>.jsonl", views.download, {"format": "jsonl"}, name="download_jsonl"),
    path("data/<str:stream>/row/", views.row, name="row"),
    path("data/<str:stream>/", views.rows, name="rows"),
]
