"""The addresses of a connection itself."""

from django.urls import path

from connections.keeping import former_views, standby_views, views

urlpatterns = [
    path("", views.detail, name="detail"),
    path("test/", views.test, name="test"),
    path("pause/", views.pause, name="pause"),
    path("resume/", views.resume, name="resume"),
    path("delete/", views.delete, name="delete"),
    path("former/take-back/", former_views.take_back_former, name="take_back_former"),
    path("former/erase/", former_views.erase_former, name="erase_former"),
    path("standby/", standby_views.store, name="store_standby"),
    path("standby/remove/", standby_views.remove, name="remove_standby"),
]
