"""How fast Peyvand is beside its peers, in the same run, on the same tables: ``make bench``."""
