"""Building, swapping and changing the Site."""
