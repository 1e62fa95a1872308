"""What the installation holds about a human being: found across plugins, consented to, erased."""
