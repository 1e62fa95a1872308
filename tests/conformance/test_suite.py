"""The suite itself finds what it says it finds."""

import pytest

from core.extension.discovery import FoundPlugin
from core.extension.manifest import read_manifest
from core.testing import side_effects
from core.testing.conformance_checks import FORBIDDEN_IN_TEMPLATES
from core.testing.texts import untranslated

MANIFEST = 'name = "rude"\ntitle = "Rude"\nversion = "1.0.0"\n'


@pytest.fixture
def rude(tmp_path):
    """Call it with the source of a plugin's hooks for an instance folder with that plugin."""

    def write(hooks, **files):
        folder = tmp_path / "plugins" / "rude"
        folder.mkdir(parents=True)
        (folder / "plugin.toml").write_text(MANIFEST, encoding="utf-8")
        for name, text in {"__init__": '"""Rude."""\n', "hooks": hooks, **files}.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("hooks", "sentence"),
    [
        ("import os\nos.environ['EDITOR'] = 'mine'\n", "changes the environment variable EDITOR"),
        ("import os\nos.chdir('/')\n", "changes the working folder to /"),
        (
            "import threading\nthreading.Thread(target=threading.Event().wait, name='ear', daemon=True).start()\n",
            "starts the thread ear",
        ),
        ("import signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)\n", "handles the signal SIGUSR1"),
        (
            "from flask import request_started\ndef hear(sender): pass\nrequest_started.connect(hear, weak=False)\n",
            "connects to the signal request-started",
        ),
        (
            "import sqlalchemy as sa\nfrom sqlalchemy.orm import Session\n"
            "sa.event.listen(Session, 'before_flush', lambda *a: None)\n",
            "listens to before_flush of Session, which is not its own",
        ),
        (
            "import sqlalchemy as sa\nfrom core import User\nsa.event.listen(User.email, 'set', lambda *a: None)\n",
            "listens to set of User.email, which is not its own",
        ),
    ],
)
def test_a_side_effect_of_importing_is_told(rude, hooks, sentence):
    assert sentence in side_effects.of_plugin(["rude"], rude(hooks))


def test_an_attribute_on_a_class_of_others_is_told(rude):
    models = (
        "from __future__ import annotations\nimport sqlalchemy as sa\n"
        "from sqlalchemy.orm import Mapped, mapped_column, relationship\n"
        "from core import Record, User, plugin_base\n\n\n"
        "class Badge(plugin_base('rude'), Record):\n"
        "    __tablename__ = 'rude_badge'\n"
        "    user_id: Mapped[int] = mapped_column(sa.ForeignKey('core_user.id', ondelete='CASCADE'))\n"
        "    user: Mapped[User] = relationship(User, foreign_keys=[user_id], backref='badges')\n"
    )

    assert side_effects.of_plugin(["rude"], rude("", models=models)) == ["adds badges to core.accounts.models.User"]


def test_a_package_that_imports_its_modules_is_told(rude):
    instance = rude("")
    (instance / "plugins" / "rude" / "__init__.py").write_text("from plugins.rude import hooks\n", encoding="utf-8")

    assert side_effects.of_plugin(["rude"], instance) == ["importing the package alone imports plugins.rude.hooks"]


def test_a_plugin_without_side_effects_is_left_in_peace(rude):
    assert side_effects.of_plugin(["rude"], rude("")) == []


def test_texts_without_persian_are_told(rude):
    folder = rude("from flask_babel import lazy_gettext as _l\nLABEL = _l('Shoe size')\n") / "plugins" / "rude"
    plugin = FoundPlugin(
        name="rude", package="plugins.rude", folder=folder, origin="instance", manifest=read_manifest(folder)
    )

    assert untranslated(plugin) == ["Rude", "Shoe size"]


@pytest.mark.parametrize(
    "template",
    [
        "<script>go()</script>",
        "<style>p { color: red }</style>",
        '<p style="color: red">',
        '<a href="/" onclick="go()">',
        "{{ name|safe }}",
        '<img src="https://example.com/a.png">',
    ],
)
def test_code_in_a_template_is_told(template):
    assert [what for pattern, what in FORBIDDEN_IN_TEMPLATES if pattern.search(template)]


def test_an_ordinary_template_is_left_in_peace():
    template = '<p class="muted">{{ name }}</p><script src="{{ asset("fleet/map.js") }}"></script>'

    assert [what for pattern, what in FORBIDDEN_IN_TEMPLATES if pattern.search(template)] == []
