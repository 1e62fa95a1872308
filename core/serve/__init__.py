"""Starting an installation and keeping it running: the supervisor, its children, and what is checked before them."""
