"""The bundled plugins keep to what every plugin must keep to."""

from core.extension.discovery import BUNDLED
from core.testing.conformance_checks import Conformance


class TestBundled(Conformance):
    plugins = tuple(sorted(path.parent.name for path in BUNDLED.glob("*/plugin.toml")))
