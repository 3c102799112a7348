"""The door that a web server calls."""

import os

from django.core.wsgi import get_wsgi_application

from connections.operating.history import require_fitting

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "blinkmetrics.settings")
application = get_wsgi_application()
require_fitting()
