"""A newer version on the disk: its tables are changed by the upgrade, its code waits for a restart."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.errors import LifecycleError
from core.site.dispatch import seen_generation
from core.site.runtime import Runtime
from core.site.selection import LOADED, STALE
from core.site.state import wanted_states
from core.testing.installation import TestInstallation

MakeSite = Callable[..., TestInstallation]
HERE = Path(__file__).parent
SECOND = '''"""Weigh parcels."""

import sqlalchemy as sa
from alembic import op

revision = "parcels_0002"
down_revision = "parcels_0001"


def upgrade() -> None:
    op.add_column("parcels_parcel", sa.Column("weight", sa.Integer(), nullable=True))
    {then}
'''


def new_version(installation: TestInstallation, then: str = "") -> None:
    folder = installation.config.instance / "plugins" / "parcels"
    manifest = folder / "plugin.toml"
    manifest.write_text(manifest.read_text().replace('version = "1.0.0"', 'version = "1.1.0"'))
    (folder / "migrations" / "parcels_0002_weigh.py").write_text(SECOND.format(then=then))


def columns(installation: TestInstallation) -> set[str]:
    return {c["name"] for c in sa.inspect(installation.runtime.database.engine).get_columns("parcels_parcel")}


def version(installation: TestInstallation) -> str:
    with installation.runtime.database.autocommit() as connection:
        return str(wanted_states(connection)["parcels"].version)


def test_an_upgrade_changes_the_tables_and_asks_for_a_restart(make_site: MakeSite, dialect: str) -> None:
    installation = make_site("parcels", dialect=dialect, instance_plugins=(HERE / "parcels",))
    new_version(installation)
    installation.change("upgrade", "parcels")
    assert "weight" in columns(installation)
    assert version(installation) == "1.1.0"
    assert installation.site.plugins["parcels"].observed == STALE
    fresh = Runtime(installation.config)
    assert fresh.current_site().plugins["parcels"].observed == LOADED
    fresh.database.dispose()


def test_an_upgrade_that_fails_leaves_the_old_version_running(make_site: MakeSite, dialect: str) -> None:
    installation = make_site("parcels", dialect=dialect, instance_plugins=(HERE / "parcels",))
    new_version(installation, then='op.execute("SELECT nonsense FROM nowhere")')
    with pytest.raises(LifecycleError, match="parcels"):
        installation.change("upgrade", "parcels")
    assert "weight" not in columns(installation)
    assert version(installation) == "1.0.0"
    assert installation.site.plugins["parcels"].state == "enabled"
    assert installation.browser("administrator").get("/parcels/parcel/").status_code == 200


@pytest.mark.parametrize(
    ("cookie", "generation"),
    [("peyvand_generation=7", 7), ("", 0), ("peyvand_generation=x", 0), ("peyvand_generation=-1", 0),
     ("peyvand_generation=" + "9" * 40, 0), ("a=b; peyvand_generation=12", 12)],
)  # fmt: skip
def test_the_cookie_tells_which_generation_was_seen_and_nothing_else(cookie: str, generation: int) -> None:
    assert seen_generation({"HTTP_COOKIE": cookie}) == generation
