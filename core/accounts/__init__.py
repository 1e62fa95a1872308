"""Who acts: users, roles, sign-in, and the actor of the current unit of work."""
