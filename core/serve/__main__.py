"""How the supervisor starts its children: `python -m core.serve ROLE`, one of `core.serve.roles.ROLES`."""

import sys

from core.config import Config
from core.errors import PeyvandError
from core.serve.roles import ROLES


def main(arguments: list[str]) -> int:
    """Run the one role named by `arguments` in the foreground; returns its exit status."""
    if len(arguments) != 1 or arguments[0] not in ROLES:
        print(f"Name one role: {', '.join(ROLES)}.", file=sys.stderr)
        return 2
    try:
        return ROLES[arguments[0]](Config.load())
    except PeyvandError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
