"""Order and reach in the plugin graph."""

from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from core.extension import graph
from core.extension.manifest import Manifest, parse_manifest

CORE = Version("1.0.0")


def plugin(
    name: str, depends: dict[str, str] | None = None, uses: dict[str, str] | None = None, core: str = ""
) -> Manifest:
    data = {"name": name, "title": name, "version": "1.0.0", "core": core, "depends": depends or {}, "uses": uses or {}}
    return parse_manifest(data, name)


def graph_of(*manifests: Manifest) -> dict[str, Manifest]:
    return {manifest.name: manifest for manifest in manifests}


def test_what_is_needed_comes_first() -> None:
    plugins = graph_of(plugin("a", {"b": ""}), plugin("b", {"c": ""}), plugin("c"))
    assert graph.requirements("a", plugins) == ["c", "b", "a"]
    assert graph.dependants("c", plugins, plugins) == ["a", "b"]


def test_a_missing_plugin_a_wrong_version_and_a_wrong_core_are_told_apart() -> None:
    plugins = graph_of(plugin("a", {"b": ">=2", "gone": ""}, core=">=9"), plugin("b"))
    core, b, gone = graph.problems("a", plugins, CORE)
    assert "written for core" in core
    assert "needs b >=2; 1.0.0 is here" in b
    assert "gone, which is not on this machine" in gone


def test_a_circle_is_named() -> None:
    plugins = graph_of(plugin("a", {"b": ""}), plugin("b", {"a": ""}), plugin("c", {"a": ""}))
    assert any("a → b → a" in sentence for sentence in graph.problems("a", plugins, CORE))
    assert graph.problems("c", plugins, CORE) == []


def test_two_plugins_may_use_each_other() -> None:
    plugins = graph_of(plugin("a", uses={"b": ""}), plugin("b", uses={"a": ""}))
    assert graph.in_order(["b", "a"], plugins) == ["a", "b"]


@given(st.dictionaries(st.integers(0, 8), st.sets(st.integers(0, 8), max_size=3), max_size=9))
def test_the_order_respects_every_need_when_there_is_no_circle(edges: dict[int, set[int]]) -> None:
    # Edges only point to smaller numbers, so that there is no circle.
    plugins = {
        f"p{n}": plugin(f"p{n}", {f"p{m}": "" for m in needs if m < n and m in edges}) for n, needs in edges.items()
    }
    order = graph.in_order(plugins, plugins)
    assert sorted(order) == sorted(plugins)
    for name, manifest in plugins.items():
        assert all(order.index(other) < order.index(name) for other in manifest.depends)
