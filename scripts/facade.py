"""Write ``core/__init__.pyi``, which tells checkers and editors what the names of the façade are.

The façade resolves its names when they are used; run this after adding one: ``python -m scripts.facade``.
"""

from __future__ import annotations

from pathlib import Path

import core

STUB = Path(core.__file__).with_name("__init__.pyi")
HEAD = '"""The types of the façade, for checkers and editors. Written by `python -m scripts.facade`."""\n'
WIDTH = 120


def stub() -> str:
    """The whole text of the stub."""
    lines = [_import(module, sorted(names, key=_place)) for module, names in sorted(vars(core)["_HOME"].items())]
    exported = "".join(f'    "{name}",\n' for name in core.__all__)
    return f"{HEAD}\n{''.join(lines)}\n__version__: str\n__all__ = [\n{exported}]\n"


def _place(name: str) -> tuple[bool, bool, str]:
    """Constants first, then classes, then functions, as the linter sorts imports."""
    return not name.isupper(), not name[0].isupper(), name


def _import(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}\n"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")\n"


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
