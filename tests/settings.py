"""The product's settings, in the environment that the tests decide and not a developer's `.env`.

A conftest would come too late: pytest-django loads the settings before it.
"""

import os
import secrets

from cryptography.fernet import Fernet

# Inherited by what the tests start, so that a worker opens what a test has sealed.
os.environ["DEBUG"] = "on"
os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
os.environ.setdefault("CREDENTIAL_KEYS", Fernet.generate_key().decode())
os.environ.setdefault("DATABASE_URL", "sqlite:///db.sqlite3")
os.environ.setdefault("EMAIL_URL", "memorymail://")
os.environ.setdefault("CELERY_BROKER_URL", "")
os.environ.setdefault("REDIS_URL", "")

from blinkmetrics.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # Slow hashing is tested by Django.

# A second source, to prove that one more touches nothing else.
SOURCE_PACKAGES = [*SOURCE_PACKAGES, "tests.toy_sources"]  # noqa: F405
TEMPLATES[0]["DIRS"].append(BASE_DIR / "tests" / "toy_sources")  # noqa: F405
