"""What people are told about: their inbox, what they want to hear of, and what they follow."""
