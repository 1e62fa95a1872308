"""Permissions that every role has with another one."""

from core import Permission, hookimpl


@hookimpl
def permissions():
    """To see shelves, and to move them."""
    return [
        Permission("shelves.shelf.see", "See shelves", comes_with="contacts.company.see"),
        Permission("shelves.shelf.edit", "Move shelves", comes_with="contacts.company.see"),
    ]
