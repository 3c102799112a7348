"""The request of somebody who is logged in, which the middleware makes sure of before any view."""

from django.http import HttpRequest

from connections.models import User


class PersonRequest(HttpRequest):
    """For type checkers: `user` is a person and never anonymous."""

    user: User
