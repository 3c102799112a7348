"""Every setting, read from the environment (or `.env`), closed by default."""

from pathlib import Path
from urllib.parse import urlsplit

import environ
import structlog
from csp.constants import NONE, SELF
from django.contrib.messages import constants as message_levels
from django.core.exceptions import ImproperlyConfigured

from blinkmetrics.logs import logging_config
from blinkmetrics.outgoing import authorities_file, proxy_address
from blinkmetrics.secrets import credential_keys, operator_token, secret_key

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")  # The environment beats the file.

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = secret_key(env.str("SECRET_KEY", default=""), debug=DEBUG)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
CREDENTIAL_KEYS = credential_keys(env.list("CREDENTIAL_KEYS", default=[]), secret_key=SECRET_KEY)

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if DEBUG else [])
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured("Set ALLOWED_HOSTS to the host names that this site answers to, separated by commas.")
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000" if DEBUG else f"https://{ALLOWED_HOSTS[0]}").rstrip("/")
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

# The other side --------------------------------------------------------------------------------------------------

SOURCE_PACKAGES = ["sources"]
SOURCES_SWITCHED_OFF = env.list("SOURCES_SWITCHED_OFF", default=[])
ACTIVECAMPAIGN_HOST_SUFFIXES = env.list("ACTIVECAMPAIGN_HOST_SUFFIXES", default=["api-us1.com", "activehosted.com"])
ACTIVECAMPAIGN_RATE = env.float("ACTIVECAMPAIGN_RATE", default=5.0)
ACTIVECAMPAIGN_SANDBOX_ORIGINS = env.list("ACTIVECAMPAIGN_SANDBOX_ORIGINS", default=[])
# Never those of the environment (HTTPS_PROXY, SSL_CERT_FILE): the key goes where this file says, and nowhere else.
OUTGOING_PROXY = proxy_address(env.str("OUTGOING_PROXY", default=""))
OUTGOING_CA_FILE = authorities_file(env.str("OUTGOING_CA_FILE", default=""))
SYNC_LEASE_SECONDS = env.float("SYNC_LEASE_SECONDS", default=60.0)
# Days; 0 is for ever.
SYNCS_KEPT_DAYS = env.int("SYNCS_KEPT_DAYS", default=400)
TRAIL_KEPT_DAYS = env.int("TRAIL_KEPT_DAYS", default=730)
GONE_ROWS_KEPT_DAYS = env.int("GONE_ROWS_KEPT_DAYS", default=30)
CHANGES_KEPT_DAYS = env.int("CHANGES_KEPT_DAYS", default=1826)
SESSIONS_KEPT_DAYS = env.int("SESSIONS_KEPT_DAYS", default=14)
for name in ("SYNCS", "TRAIL", "GONE_ROWS", "CHANGES", "SESSIONS"):
    if vars()[f"{name}_KEPT_DAYS"] < (name == "SESSIONS"):
        raise ImproperlyConfigured(f"Set {name}_KEPT_DAYS to a number of days, or to 0 to keep them for ever.")
# What is stored of an account: its owner, or whoever has broken into it, decides how much it sends.
MOST_BYTES_PER_CONNECTION = env.int("MOST_BYTES_PER_CONNECTION", default=5 * 1024**3)
MOST_ROWS_PER_CONNECTION = env.int("MOST_ROWS_PER_CONNECTION", default=20_000_000)
MOST_BYTES_PER_WORKSPACE = env.int("MOST_BYTES_PER_WORKSPACE", default=20 * 1024**3)

# The application -------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",  # First: our page for groups takes the place of its own.
    "connections",
    "sources",
    "connections.apps.StaffAdminConfig",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "django_structlog",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "connections.access.error_pages.OwnErrorPages",
]
ROOT_URLCONF = "blinkmetrics.urls"
WSGI_APPLICATION = "blinkmetrics.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # A source's guide and logo stand in its own folder.
        "DIRS": [BASE_DIR / "templates", BASE_DIR / "sources"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["connections.templatetags.moments"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
MESSAGE_TAGS = {message_levels.ERROR: "danger"}
# A cookie would outlive the logout, and tell the next person what the one before has done.
MESSAGE_STORAGE = "connections.access.few_messages.FewMessages"

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # A write begins by taking the lock, so that two writers wait for each other instead of failing half-way.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # Of a file that is made anew: of pages of 8 kB a row of 2 kB wastes less than of those of 4 kB.
        "init_command": "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "cache",
            # By default 300, of which a few hundred wrong logins would push out what the limits have counted.
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    )
}
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")
OPERATOR_TOKEN = operator_token(env.str("OPERATOR_TOKEN", default=""), debug=DEBUG)

vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 20  # Seconds.
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default="BlinkMetrics <no-reply@blinkmetrics.example>"
)
# Who runs the site: told of faults, and when no worker is there.
ADMINS = [(address, address) for address in env.list("ADMINS", default=[])]

# People ----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "connections.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "connections.login.spellings.ExactSpelling",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS.append({"NAME": "connections.login.adapters.NotPublished"})
SESSION_COOKIE_AGE = SESSIONS_KEPT_DAYS * 24 * 60 * 60
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "connections.login.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_NOTIFICATIONS = True  # Of another password, and of what becomes of the second step.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# A login, or a confirmation, that is older than this does not do for another key or address.
REAUTHENTICATION_SECONDS = ACCOUNT_REAUTHENTICATION_TIMEOUT = env.int("REAUTHENTICATION_SECONDS", default=300)
ACCOUNT_FORMS = {
    "login": "connections.login.forms.LogInForm",
    "change_password": "connections.login.forms.AnotherPasswordForm",
    "reset_password_from_key": "connections.login.forms.NewPasswordForm",
}
MFA_ADAPTER = "connections.login.adapters.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "connections.login.forms.SecondStepForm",
    "reauthenticate": "connections.login.forms.ConfirmByCodeForm",
    "activate_totp": "connections.login.forms.ActivateForm",
}
MFA_TOTP_ISSUER = "BlinkMetrics"
STAFF_NEED_SECOND_FACTOR = not DEBUG  # The demo's staff has none.
# Of the demo's people, one of whom is site staff.
PUBLISHED_PASSWORD = "demo-password-1"  # noqa: S105
PUBLISHED_PASSWORD_OPENS = DEBUG
SIGNUP_OPEN = env.bool("SIGNUP_OPEN", default=True)
# Live checks that failed: of a person in ten minutes, a workspace in an hour, an account in ten minutes.
CHECKS_PER_PERSON = env.int("CHECKS_PER_PERSON", default=10)
CHECKS_PER_WORKSPACE = env.int("CHECKS_PER_WORKSPACE", default=30)
CHECKS_PER_ACCOUNT = env.int("CHECKS_PER_ACCOUNT", default=20)
# All of a person in ten minutes, those that succeeded too: more than anybody presses, less than a loop wants.
CHECKS_PER_PERSON_IN_ALL = env.int("CHECKS_PER_PERSON_IN_ALL", default=60)
# Under way at the same moment, in one web process: fewer than it has threads, so that pages are served meanwhile.
CHECKS_AT_ONCE = env.int("CHECKS_AT_ONCE", default=4)
# Of one web process. `blinkmetrics.serving` has a thread for each, beside those for pages.
DOWNLOADS_AT_ONCE = env.int("DOWNLOADS_AT_ONCE", default=32)
RATE_LIMITS = env.str("RATE_LIMITS", default="on")
ACCOUNT_RATE_LIMITS: bool | dict[str, str | None] = {
    # Only what failed counts: of one address from one client, which locks nobody out elsewhere, and of one client over
    # all addresses, with room for an office behind one address of the net.
    "login_failed": "5/5m/key",
    "login_failed_of_client": "50/10m/ip",
    "login": None,
    "reauthenticate": None,
    # The page asks for the old password, which whoever has stolen a session would guess there.
    "change_password": "5/5m/user",
    # Whoever is kept from asking has three mails with a link that works.
    "reset_password": "20/h/ip,3/h/key",
    # Mails that say "there is no account with this address": to one address, and to all of them together.
    "mail_to_stranger": "1/d/key",
    "mail_to_strangers": "60/h/key",
}
if RATE_LIMITS == "off":
    if not DEBUG:
        raise ImproperlyConfigured("RATE_LIMITS=off is for development only: remove it, or set DEBUG=on.")
    ACCOUNT_RATE_LIMITS = False

# The browser -----------------------------------------------------------------------------------------------------

IS_HTTPS = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "connections.access.error_pages.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 262_144  # Bytes of a whole request. The largest form has five short fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000  # A box for each member of a large workspace.
DATA_UPLOAD_MAX_NUMBER_FILES = 0  # No form takes one.
DEFAULT_EXCEPTION_REPORTER = "connections.access.fault_reports.OwnReport"
DEFAULT_EXCEPTION_REPORTER_FILTER = "connections.access.fault_reports.NoValues"

# Words, time and files -------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

LOGGING = logging_config(debug=DEBUG)
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
