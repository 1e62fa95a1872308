"""Seals over the audit: whoever changes, adds or takes away rows behind Peyvand's back is found out."""
