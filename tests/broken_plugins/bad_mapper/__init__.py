"""Maps a relationship to a class that does not exist."""
