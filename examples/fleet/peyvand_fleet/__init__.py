"""Company vehicles and who drives them."""
