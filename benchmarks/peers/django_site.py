"""Django's admin over Peyvand's own tables, as a newcomer to Django would set it up in an afternoon.

Run by gunicorn as ``benchmarks.peers.django_site:application``; BENCHMARK_DATABASE names the database.
"""

from __future__ import annotations

import os
import secrets
from typing import Any

import django
from django.conf import settings
from sqlalchemy import make_url

APP = "benchmarks.peers"


def _database() -> dict[str, Any]:
    url = make_url(os.environ["BENCHMARK_DATABASE"])
    if url.get_backend_name() == "sqlite":
        pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"
        options = {"timeout": 60, "transaction_mode": "IMMEDIATE", "init_command": pragmas}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.database, "OPTIONS": options}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.database,
        "USER": url.username,
        "PASSWORD": url.password,
        "HOST": url.host,
        "PORT": url.port,
        "CONN_MAX_AGE": 600,
    }


settings.configure(
    SECRET_KEY=os.environ.get("BENCHMARK_SECRET") or secrets.token_hex(32),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": _database()},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=False,
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "import_export",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    STATIC_URL="/static/",
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "loggers": {"django.request": {"handlers": ["console"], "level": "ERROR"}},
    },
)
django.setup()

from django.contrib import admin  # noqa: E402 - Django wants its settings first
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.db.models import Count, F, Sum  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import path  # noqa: E402
from import_export import resources  # noqa: E402

LIST = ("name", "company", "job_title", "city", "status", "created_at")


class Contact(models.Model):
    """contacts_contact, people and companies alike."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.IntegerField(default=1)
    archived_at = models.DateTimeField(null=True, blank=True)
    kind = models.CharField(max_length=10, default="person")
    name = models.CharField(max_length=200)
    name_key = models.CharField(max_length=400, blank=True)
    name_sort = models.CharField(max_length=400, blank=True)
    search_text = models.TextField(blank=True)
    status = models.CharField(max_length=40, default="prospect")
    city = models.CharField(max_length=80, null=True, blank=True)
    private = models.BooleanField(default=False)
    first_name = models.CharField(max_length=100, null=True, blank=True)
    last_name = models.CharField(max_length=100, null=True, blank=True)
    job_title = models.CharField(max_length=120, null=True, blank=True)
    birthday = models.DateField(null=True, blank=True)
    company = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)

    class Meta:
        app_label = "admin"
        db_table = "contacts_contact"
        managed = False
        ordering = ("name_sort",)

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    """sales_stage."""

    name = models.CharField(max_length=80)
    position = models.IntegerField()

    class Meta:
        app_label = "admin"
        db_table = "sales_stage"
        managed = False
        ordering = ("position",)

    def __str__(self) -> str:
        return self.name


class Deal(models.Model):
    """sales_deal."""

    name = models.CharField(max_length=200)
    amount = models.BigIntegerField(null=True)
    probability = models.IntegerField(null=True)
    expected_close = models.DateField(null=True)
    stage = models.ForeignKey(Stage, models.SET_NULL, null=True)
    company = models.ForeignKey(Contact, models.SET_NULL, null=True)

    class Meta:
        app_label = "admin"
        db_table = "sales_deal"
        managed = False


class ContactAdmin(admin.ModelAdmin):
    """The list, the search and the form that Django makes of the model."""

    list_display = LIST
    list_select_related = ("company",)
    list_per_page = 25
    search_fields = ("search_text",)
    raw_id_fields = ("company",)

    def lookup_allowed(self, *_: Any) -> bool:
        """Every filter of an address, without the filter bar, which would cost more queries."""
        return True


admin.site.register(Contact, ContactAdmin)

BOARD = """<html><body>{% for stage, totals, cards in lanes %}<section><h2>{{ stage }}</h2>
<p>{{ totals.count }} · {{ totals.total }} · {{ totals.weighted }}</p>{% for deal in cards %}<article>
<a href="/admin/admin/deal/{{ deal.pk }}/change/">{{ deal.name }}</a> {{ deal.company }} {{ deal.amount }}
{{ deal.expected_close }}</article>{% endfor %}</section>{% endfor %}</body></html>"""


def board(request: HttpRequest) -> HttpResponse:
    """Six lanes of twenty cards with exact totals, as one would write it with the ORM."""
    exact = Deal.objects.values("stage_id").annotate(
        count=Count("id"), total=Sum("amount"), weighted=Sum(F("amount") * F("probability")) / 100
    )
    totals = {row["stage_id"]: row for row in exact}
    lanes = []
    for stage in Stage.objects.filter(pk__in=totals):
        cards = Deal.objects.filter(stage=stage).select_related("company").order_by("expected_close", "id")[:20]
        lanes.append((stage, totals[stage.pk], list(cards)))
    return HttpResponse(engines["django"].from_string(BOARD).render({"lanes": lanes}, request))


urlpatterns = [path("admin/", admin.site.urls), path("board/", admin.site.admin_view(board))]
application = get_wsgi_application()


class PersonResource(resources.ModelResource):
    """What django-import-export imports and exports: a person is known again by the key of the name."""

    class Meta:
        model = Contact
        import_id_fields = ("name_key",)
        fields = ("kind", "name", "name_key", "name_sort", "search_text", "status", "city", "private", "first_name",
                  "last_name", "job_title", "version")  # fmt: skip
        use_bulk = False
        skip_diff = True
        use_transactions = True
        exclude = ("id",)


class ExportResource(resources.ModelResource):
    """What the admin of django-import-export writes for the list."""

    class Meta:
        model = Contact
        fields = ("name", "company__name", "job_title", "city", "status", "birthday", "created_at")
