"""The bundled plugins. A folder in the instance's ``plugins/`` is imported under this package too."""
