"""All addresses of the site."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from connections.access import error_pages
from connections.frame import help
from connections.numbers import home_views

urlpatterns = [
    path("", home_views.root, name="home"),
    path("accounts/", RedirectView.as_view(pattern_name="sign_ins")),
    # Staff say which address is whose: a person who could add one could log in by an address that is not theirs.
    path("accounts/email/", error_pages.not_found),
    path("accounts/", include("connections.login.urls")),
    path("accounts/", include("allauth.urls")),
    path("help/guide/", help.guide, name="guide"),
    path("help/new/", help.news, name="news"),
    path("w/<slug:workspace>/", include("connections.urls")),
    path("admin/", admin.site.urls),
    path("", include("connections.operating.urls")),
    re_path("", error_pages.not_found),
]
handler400 = error_pages.bad_request
handler403 = error_pages.forbidden
handler404 = error_pages.not_found
handler429 = error_pages.too_many  # allauth looks for it.
handler500 = error_pages.server_error
