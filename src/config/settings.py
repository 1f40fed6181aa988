"""Django's settings: what the environment says, and what is the same for every deployment."""

from datetime import timedelta

from corsheaders.defaults import default_headers
from csp.constants import NONE, SELF
from django.utils.crypto import salted_hmac

from config.environment import ROOT, read_environment
from core.logs import logging_settings
from core.queue import build_queue

ENV = read_environment()
PRODUCTION = ENV.is_production
TESTING = False

BASE_DIR = ROOT
POLYCLINIC_HOME = ENV.POLYCLINIC_HOME
POLYCLINIC_HOME.mkdir(parents=True, exist_ok=True)

# --- Keys and hosts -------------------------------------------------------------------------------------------------
SECRET_KEY = ENV.secret_key()
DEBUG = not PRODUCTION
ALLOWED_HOSTS = ENV.ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = ENV.CSRF_TRUSTED_ORIGINS
CORS_ALLOWED_ORIGINS = ENV.CORS_ALLOWED_ORIGINS
CORS_URLS_REGEX = r"^/api(/.*)?$"
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key"]
CORS_EXPOSE_HEADERS = ["Link", "Retry-After", "X-Request-ID"]
TRUSTED_PROXIES = ENV.TRUSTED_PROXIES

# --- The clinic -----------------------------------------------------------------------------------------------------
TIME_ZONE = ENV.TIME_ZONE
USE_TZ = True
LANGUAGE_CODE = "en"
USE_I18N = False
CURRENCY = ENV.CURRENCY
PHONE_REGION = ENV.PHONE_REGION

# --- Other hospitals ------------------------------------------------------------------------------------------------
FEDERATION_ALLOWED_HOSTS = ENV.FEDERATION_ALLOWED_HOSTS
MOCK_HOSPITAL = DEBUG if ENV.MOCK_HOSPITAL is None else ENV.MOCK_HOSPITAL

# --- Parts ----------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "portal.apps.PortalConfig",
    "federation.apps.FederationConfig",
    "scheduling.apps.SchedulingConfig",
    "care.apps.CareConfig",
    "identity.apps.IdentityConfig",
    "core.apps.CoreConfig",
    "config.apps.TechnicalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "csp",
    "django_htmx",
    "guardian",
    "huey.contrib.djhuey",
    "ninja",
    "template_partials.apps.SimpleAppConfig",
]

MIDDLEWARE = [
    "core.edge.EdgeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
API_URLCONF = "config.api_urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEST_RUNNER = "config.test_runner.PytestRunner"

_loaders: list[object] = [
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    _loaders if DEBUG else [("django.template.loaders.cached.Loader", _loaders)],
                )
            ],
            "builtins": ["template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- Storage --------------------------------------------------------------------------------------------------------
DATABASES = {"default": ENV.database()}
_postgres = DATABASES["default"] if DATABASES["default"]["ENGINE"].endswith("postgresql") else None


def derive_key(purpose: str) -> str:
    """Return a key of its own for each purpose, derived from SECRET_KEY, so that one leaking opens nothing else."""
    return salted_hmac(f"polyclinic.{purpose}", "key", secret=SECRET_KEY, algorithm="sha256").hexdigest()


# Events stay verifiable when SECRET_KEY is rotated only where they have a key of their own.
AUDIT_KEY = ENV.AUDIT_KEY or derive_key("audit")
IDEMPOTENCY_KEY = derive_key("idempotency")
# The derived key comes last: a deployment that begins with keys of its own still opens what was sealed before.
SECRETS_KEYS = [*ENV.SECRETS_KEYS, derive_key("secrets")]
JOB_LEASE_SECONDS = ENV.JOB_LEASE_SECONDS
HUEY = build_queue(redis_url=ENV.REDIS_URL or None, postgres=_postgres, home=POLYCLINIC_HOME, key=derive_key("queue"))

# --- Signing in -----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "identity.User"
AUTHENTICATION_BACKENDS = ["identity.backends.SessionBackend", "guardian.backends.ObjectPermissionBackend"]
LOGIN_URL = "portal:sign-in"
PASSWORD_HASHERS = ["identity.hashers.OwaspArgon2Hasher"]
PASSWORD_MIN_LENGTH = 12 if PRODUCTION else 8
PASSWORD_MAX_LENGTH = 256
_validation = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "identity.passwords.LengthValidator"},
    *(
        {"NAME": f"{_validation}.{name}"}
        for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator", "NumericPasswordValidator")
        if PRODUCTION
    ),
]
SIGNUP_ROLE_POLICY = ENV.SIGNUP_ROLE_POLICY
RATE_LIMITS = ENV.RATE_LIMITS

# Every key is set: ninja-jwt reads those that are not from variables of the same name without a prefix.
NINJA_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=ENV.ACCESS_TOKEN_LIFETIME_MIN),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=ENV.REFRESH_TOKEN_LIFETIME_DAYS),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": False,
    "UPDATE_LAST_LOGIN": False,
    "ALGORITHM": "HS256",
    "SIGNING_KEY": derive_key("tokens"),
    "VERIFYING_KEY": "",
    "AUDIENCE": "polyclinic",
    "ISSUER": "polyclinic",
    "JWK_URL": None,
    "LEEWAY": 0,
    "USER_ID_FIELD": "id",
    "USER_ID_CLAIM": "sub",
    "USER_AUTHENTICATION_RULE": "ninja_jwt.authentication.default_user_authentication_rule",
    "TOKEN_USER_CLASS": "ninja_jwt.models.TokenUser",
    "AUTH_TOKEN_CLASSES": ["ninja_jwt.tokens.AccessToken"],
    "JSON_ENCODER": None,
    "TOKEN_TYPE_CLAIM": "token_type",
    "JTI_CLAIM": "jti",
    "SLIDING_TOKEN_REFRESH_EXP_CLAIM": "refresh_exp",
    "SLIDING_TOKEN_LIFETIME": timedelta(minutes=5),
    "SLIDING_TOKEN_REFRESH_LIFETIME": timedelta(days=1),
    "TOKEN_OBTAIN_PAIR_INPUT_SCHEMA": "ninja_jwt.schema.TokenObtainPairInputSchema",
    "TOKEN_OBTAIN_PAIR_REFRESH_INPUT_SCHEMA": "ninja_jwt.schema.TokenRefreshInputSchema",
    "TOKEN_OBTAIN_SLIDING_INPUT_SCHEMA": "ninja_jwt.schema.TokenObtainSlidingInputSchema",
    "TOKEN_OBTAIN_SLIDING_REFRESH_INPUT_SCHEMA": "ninja_jwt.schema.TokenRefreshSlidingInputSchema",
    "TOKEN_BLACKLIST_INPUT_SCHEMA": "ninja_jwt.schema.TokenBlacklistInputSchema",
    "TOKEN_VERIFY_INPUT_SCHEMA": "ninja_jwt.schema.TokenVerifyInputSchema",
}

# django-guardian: no anonymous account, and nothing added to the user model; grants live in care's own tables.
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False

# --- The portal's session -------------------------------------------------------------------------------------------
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_IDLE_SECONDS = 15 * 60
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.views.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- The edge -------------------------------------------------------------------------------------------------------
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}
if PRODUCTION:
    # The prefix makes browsers refuse such a cookie from a subdomain or without TLS (RFC 6265bis, section 4.1.3).
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = ENV.SECURE_SSL_REDIRECT
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    if TRUSTED_PROXIES:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Static files and logs ------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = POLYCLINIC_HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = DEBUG
_static = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _static if PRODUCTION else "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
LOGGING = logging_settings(ENV.LOG_LEVEL)
