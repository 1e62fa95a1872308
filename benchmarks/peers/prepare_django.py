"""Make Django's own tables and an administrator: ``python -m benchmarks.peers.prepare_django``."""

from __future__ import annotations

import importlib

NAME, PASSWORD = "bench", "bench"

if __name__ == "__main__":
    # Django wants its settings before anything of it is imported, and they want a database.
    importlib.import_module("benchmarks.peers.django_site")
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    if not User.objects.filter(username=NAME).exists():
        User.objects.create_superuser(NAME, "bench@mail.example", PASSWORD)
