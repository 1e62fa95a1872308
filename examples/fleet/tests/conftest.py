"""The fixtures of the test kit, the same that Peyvand's own tests use."""

pytest_plugins = ["core.testing.plugin"]
