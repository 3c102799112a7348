"""The addresses of the three steps, and of what is done to an unfinished set-up."""

from django.urls import path

from connections.stepper import views

urlpatterns = [
    path("", views.add, name="add"),
    path("<slug:source>/<uuid:pk>/", views.set_up, name="set_up"),
    path("<slug:source>/<uuid:pk>/keep/", views.keep, name="keep"),
    path("<slug:source>/<uuid:pk>/discard/", views.discard, name="discard"),
    path("<slug:source>/<uuid:pk>/finish/", views.finish, name="finish"),
]
