"""What all tests share: the fixtures of the test kit, the same that authors of plugins use."""

pytest_plugins = ["core.testing.plugin"]
