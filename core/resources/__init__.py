"""Records as programs read and write them: plain data, by the rules of the pages."""
