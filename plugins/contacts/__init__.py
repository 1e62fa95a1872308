"""Contacts: the people and the companies one deals with."""
