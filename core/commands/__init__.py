"""Commands of ``peyvand`` that are more than a call: the audit, and copies of the whole installation."""
