"""Make Django's own tables and an administrator: ``python -m benchmarks.peers.prepare_django``."""

from __future__ import annotations

NAME, PASSWORD = "bench", "bench"

if __name__ == "__main__":
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from benchmarks.peers import django_site  # noqa: F401 - Django is set up by it; only here, for it wants a database

    call_command("migrate", verbosity=0)
    if not User.objects.filter(username=NAME).exists():
        User.objects.create_superuser(NAME, "bench@mail.example", PASSWORD)
