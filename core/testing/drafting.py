"""Writing migrations from models: what ``peyvand plugin migration`` does."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path

from core.config import Config
from core.database import migrations
from core.database.engine import Database
from core.errors import PluginError
from core.extension import graph
from core.extension.discovery import discover
from core.extension.loading import load_plugin

CORE_FOLDER = Path(__file__).resolve().parents[1]


def draft_revision(name: str, message: str, instance: Path) -> Path | None:
    """Write the next revision of the plugin ``name`` (or of ``core``); None when its tables match its models.

    The present histories are run on a database made for the purpose, so nothing of the installation is touched.

    Raises:
        PluginError: the plugin or one that it needs cannot be loaded.
    """
    found = discover(instance / "plugins")
    manifests = {other: plugin.manifest for other, plugin in found.items() if plugin.manifest is not None}
    if name != "core" and name not in manifests:
        raise PluginError(name, "It is not on this machine.")
    importlib.import_module("core.web.hooks")
    with tempfile.TemporaryDirectory() as folder:
        environ = {"PEYVAND_INSTANCE": folder}
        database = Database(Config.load(environ))
        try:
            with migrations.schema_change(database) as connection:
                migrations.upgrade(connection, "core", CORE_FOLDER)
                for other in graph.requirements(name, manifests):
                    load_plugin(found[other])
                    migrations.upgrade(connection, other, found[other].folder)
            target = CORE_FOLDER if name == "core" else found[name].folder
            with database.engine.connect() as connection:
                return migrations.draft(connection, name, target, message)
        finally:
            database.dispose()
