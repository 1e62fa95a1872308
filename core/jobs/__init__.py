"""Work outside the request: named jobs, their rows in the database, and their delivery by RQ."""
