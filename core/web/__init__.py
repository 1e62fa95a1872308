"""The core's own pages, registered through the same hooks as any plugin's."""
