"""Files attached to records: stored by their content, described by a row, served as nothing but downloads."""
