"""Passwords that are guessed first: what NIST SP 800-63B asks to be refused instead of rules of composition.

The lists of common passwords, names and words are those of zxcvbn (D. Wheeler, USENIX Security 2016), which also sees
repeated, keyboard and date patterns and everyday spellings such as ``p4ssw0rd``. A password that such guessing reaches
within a hundred million tries is refused, one of any other make is welcome.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

GUESSES = 8  # as a power of ten; more of them take years through a throttled sign-in
LOOKED_AT = 72  # characters: what comes after them can only make it harder to guess
# The keys that the Persian layout (ISIRI 9147) shares with the Latin one: words typed in one and lists of the other.
_KEYS = str.maketrans("ضصثقفغعهخحجچشسیبلاتنمکگظطزرذدپوي", "qwertyuiop[]asdfghjkl;'zxcvbnm,d")


def is_guessable(password: str, about: Iterable[str] = ()) -> bool:
    """Whether ``password`` is among the first that somebody would try.

    Args:
        password: the new password.
        about: what a stranger may know of the person: name, e-mail address, the name of the site.
    """
    # Its lists are read only where somebody chooses a password.
    from zxcvbn import zxcvbn

    known = [word for text in about for word in _words(text) if len(word) > 2]
    typed = password[:LOOKED_AT]
    pressed = typed.translate(_KEYS)
    return not typed or any(
        zxcvbn(text, user_inputs=known)["guesses_log10"] < GUESSES for text in dict.fromkeys((typed, pressed))
    )


def _words(text: str) -> list[str]:
    """A name or an address as people put it into passwords: whole, its words, and those written together."""
    words = re.split(r"[\W_]+", text.lower())
    own = re.split(r"[\W_]+", text.lower().partition("@")[0])
    return [text.lower(), *words, "".join(own), "".join(reversed(own))]
