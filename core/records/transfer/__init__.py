"""Tables from outside into records: reading files, mapping columns, checking cells, running the import."""
