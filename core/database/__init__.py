"""One engine per process, the unit of work, declarative bases, column types and migrations."""
