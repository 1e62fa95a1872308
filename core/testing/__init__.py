"""The test kit: real servers for tests, and the fixtures of `core.testing.plugin`, for us and for authors of plugins.

It needs the packages of the extra `test` (`pip install peyvand[test]`) and is imported by nothing that serves.
"""
