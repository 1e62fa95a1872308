"""Who needs whom.

sales ──depends──▶ contacts          order: contacts, sales (a plugin stands after what it needs)
  ╎
  ╌╌uses╌╌▶ geo                      sales' glue for geo is loaded only while geo is on
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from packaging.version import Version

from core.extension.manifest import Manifest


def problems(name: str, manifests: Mapping[str, Manifest], core_version: Version) -> list[str]:
    """Why ``name`` cannot be switched on with what is on this machine; one sentence each, empty when it can."""
    manifest = manifests[name]
    found: list[str] = []
    if core_version not in manifest.core:
        found.append(f"It is written for core {manifest.core}; this is core {core_version}.")
    for other, versions in sorted(manifest.depends.items()):
        if other not in manifests:
            found.append(f"It needs the module {other}, which is not on this machine.")
        elif manifests[other].version not in versions:
            found.append(f"It needs {other} {versions}; {manifests[other].version} is here.")
    cycle = _cycle(name, manifests)
    if cycle:
        found.append(f"It needs itself through {' → '.join(cycle)}.")
    return found


def _cycle(name: str, manifests: Mapping[str, Manifest]) -> list[str]:
    trail: list[str] = []

    def visit(current: str) -> list[str]:
        if current in trail:
            return [*trail[trail.index(current) :], current] if current == name else []
        trail.append(current)
        for other in sorted(manifests[current].depends) if current in manifests else ():
            circle = visit(other)
            if circle:
                return circle
        trail.pop()
        return []

    return visit(name)


def requirements(name: str, manifests: Mapping[str, Manifest]) -> list[str]:
    """``name`` and everything it needs, what is needed first; plugins that are not here are left out."""
    wanted: set[str] = set()
    queue = [name]
    while queue:
        current = queue.pop()
        if current not in wanted and current in manifests:
            wanted.add(current)
            queue += manifests[current].depends
    return in_order(wanted, manifests)


def dependants(name: str, manifests: Mapping[str, Manifest], among: Iterable[str]) -> list[str]:
    """The plugins of ``among`` that need ``name``, directly or through others, furthest first."""
    among = set(among)
    needing = {other for other in among if other != name and name in requirements(other, manifests)}
    return list(reversed(in_order(needing, manifests)))


def in_order(names: Iterable[str], manifests: Mapping[str, Manifest]) -> list[str]:
    """``names`` with every plugin after those it needs or uses; ties by name, so that every process agrees."""
    names = sorted(set(names))
    hard = {name: set(manifests[name].depends) & set(names) for name in names if name in manifests}
    soft = {name: set(manifests[name].uses) & set(names) for name in names if name in manifests}
    try:
        return _sorted({name: hard[name] | soft[name] for name in hard})
    except CycleError:
        # Soft uses may point both ways; then only what is needed decides.
        try:
            return _sorted(hard)
        except CycleError:
            return [name for name in names if name in manifests]


def _sorted(edges: Mapping[str, set[str]]) -> list[str]:
    sorter = TopologicalSorter(edges)
    sorter.prepare()
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return order
