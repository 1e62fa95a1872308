"""What many records went through at once: listed with its author and size, and undone as one."""
