"""Templates and texts: the operator before the theme, the theme before plugins, plugins before the core."""

from collections.abc import Callable
from pathlib import Path

import pytest
from jinja2 import Environment, TemplateNotFound

from core.site.theming import NamespaceLoader
from core.testing.installation import TestInstallation

MakeSite = Callable[..., TestInstallation]


def test_an_operators_template_comes_before_the_theme(make_site: MakeSite) -> None:
    installation = make_site()
    folder = installation.config.instance / "templates" / "nova"
    folder.mkdir(parents=True)
    (folder / "dashboard.html").write_text("The operator's own home.")
    page = installation.browser("administrator").get("/")
    assert page.get_data(as_text=True) == "The operator's own home."


def test_an_operators_text_comes_before_everybody(make_site: MakeSite) -> None:
    installation = make_site("contacts")
    folder = installation.config.instance / "translations" / "fa_IR" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "People"\nmsgstr "مشتریان"\n'
    )
    browser = installation.browser("administrator")
    browser.set_cookie("peyvand_language", "fa")
    assert "مشتریان" in browser.get("/contacts/person/").get_data(as_text=True)


def test_a_plugin_cannot_shadow_a_template_of_somebody_else(tmp_path: Path) -> None:
    for name in ("geo/map.html", "nova/dashboard.html"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("geo")
    loader = NamespaceLoader("geo", tmp_path)
    assert loader.get_source(None, "geo/map.html")[0] == "geo"  # type: ignore[arg-type]
    with pytest.raises(TemplateNotFound):
        loader.get_source(None, "nova/dashboard.html")  # type: ignore[arg-type]


def test_static_files_are_kept_for_ever_and_change_their_address_with_their_content(make_site: MakeSite) -> None:
    page = make_site().browser().get("/sign-in").get_data(as_text=True)
    installation = make_site()
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "?v=" in address
    answer = installation.browser().get(address)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    answer.close()


def test_every_answer_carries_the_strict_policy(make_site: MakeSite) -> None:
    answer = make_site().browser().get("/sign-in")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_redirect_reaches_a_script_with_its_cookies(make_site: MakeSite) -> None:
    browser = make_site().browser()
    browser.get("/sign-in")
    values = {"language": "fa", "next": "/sign-in"}
    answer = browser.post("/profile/choose", data=values, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/sign-in"
    assert any("peyvand_language=fa" in cookie for cookie in answer.headers.getlist("Set-Cookie"))


def test_a_template_is_compiled_once_for_every_site_of_a_process(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_site("contacts").browser("administrator")
    for page in ("/", "/contacts/person/"):
        assert first.get(page).status_code == 200
    compiled: list[str | None] = []
    compile_template = Environment.compile
    monkeypatch.setattr(
        Environment, "compile", lambda *args, **kwargs: compiled.append(args[2]) or compile_template(*args, **kwargs)
    )
    again = make_site("contacts")
    folder = again.config.instance / "templates" / "nova"
    folder.mkdir(parents=True)
    (folder / "dashboard.html").write_text("The operator's own home.")
    browser = again.browser("administrator")
    assert browser.get("/").get_data(as_text=True) == "The operator's own home."
    assert browser.get("/contacts/person/").status_code == 200
    assert compiled == ["nova/dashboard.html"]


def test_a_changed_template_is_compiled_anew_by_the_next_site(make_site: MakeSite) -> None:
    installation = make_site("contacts")
    home = installation.config.instance / "templates" / "nova" / "dashboard.html"
    home.parent.mkdir(parents=True)
    home.write_text("The first text.")
    browser = installation.browser("administrator")
    assert browser.get("/").get_data(as_text=True) == "The first text."
    home.write_text("Other text now.")
    installation.change("disable", "contacts")
    assert browser.get("/").get_data(as_text=True) == "Other text now."
