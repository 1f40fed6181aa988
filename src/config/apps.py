"""Django's entries for the top floor."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from config.wiring import wire


class ConfigConfig(AppConfig):
    """The top floor; an app so that its commands (`up`, `demo`) are found and the floors are connected."""

    name = "config"

    def ready(self) -> None:
        """Connect what is above with what is below."""
        wire()


class TechnicalAdminConfig(AdminConfig):
    """Django's admin with our site."""

    default_site = "config.admin_site.TechnicalSite"
