"""Records for other programs, as JSON over HTTP."""
