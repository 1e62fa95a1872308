"""Stored secrets are sealed for their place, under keys that are not in the database."""

import dataclasses
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from core.cli import main
from core.config import Config
from core.database.keyring import Place
from core.database.secrets import SECRETS, Secrets
from core.errors import ConfigError, SecretError
from core.serve.doctor import examine

PLACE = Place("core_mail_server", "1", "password")
OLD, NEW = "0f1e2d3c4b5a6978" * 4, "8796a5b4c3d2e1f0" * 4


@pytest.fixture
def site(make_site, dialect):
    return make_site(dialect=dialect)


def keep(site, place=PLACE, text="open sesame", config=None):
    with site.runtime.database.engine.begin() as connection:
        Secrets(config or site.config).keep(connection, place, text)


def read(site, place=PLACE, config=None):
    with site.runtime.database.engine.begin() as connection:
        return Secrets(config or site.config).read(connection, place)


def stored(site):
    with site.runtime.database.engine.begin() as connection:
        return dict(connection.execute(sa.select(SECRETS.c.row_key, SECRETS.c.sealed)).all())


def with_keys(site, *keys):
    return dataclasses.replace(site.config, encryption_keys=tuple(bytes.fromhex(key) for key in keys))


def test_secret_comes_back_and_does_not_lie_readable_in_the_database(site):
    keep(site, text="گنجینه")
    assert read(site) == "گنجینه"
    assert "گنجینه" not in str(stored(site))
    keep(site, text="another")
    assert read(site) == "another"
    assert read(site, Place("core_mail_server", "2", "password")) is None


def test_secret_that_is_moved_to_another_row_cannot_be_opened(site):
    keep(site)
    for change in ({"row_key": "2"}, {"row_key": "1", "table_name": "core_other"}):
        with site.runtime.database.engine.begin() as connection:
            connection.execute(sa.update(SECRETS).values(**change))
        moved = Place(change.get("table_name", PLACE.table), change["row_key"], PLACE.column)
        with pytest.raises(SecretError, match="changed or moved"):
            read(site, moved)


def test_secret_that_was_tampered_with_cannot_be_opened(site):
    keep(site)
    sealed = stored(site)["1"]
    for odd in (sealed[:-6] + "AAAA==", sealed + "AAAA", "1.x.y", "", "2" + sealed[1:], sealed.rsplit(".", 1)[0]):
        with site.runtime.database.engine.begin() as connection:
            connection.execute(sa.update(SECRETS).values(sealed=odd))
        with pytest.raises(SecretError):
            read(site)


def test_key_lies_in_a_file_of_its_owner_and_is_made_once(site):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: keep(site, Place("core_mail_server", str(number), "password")), range(4)))
    file = site.config.encryption_key_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text().split()) == 1
    assert len({sealed.split(".")[1] for sealed in stored(site).values()}) == 1


def test_missing_wrong_and_readable_keys_are_told_and_never_replaced(site):
    keep(site)
    file = site.config.encryption_key_file
    key = file.read_text()
    file.unlink()
    with pytest.raises(SecretError, match="not in"):
        read(site)
    with pytest.raises(SecretError, match=r"Put .*encryption_key back"):
        keep(site)
    assert not file.exists()
    with pytest.raises(SecretError, match="PEYVAND_ENCRYPTION_KEY"):
        read(site, config=with_keys(site, NEW))
    for odd in ("", "not a key", "ab" * 31, "كلید"):
        file.write_text(odd, "utf-8")
        file.chmod(0o600)
        with pytest.raises(ConfigError):
            read(site)
    file.write_text(key)
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read(site)
    file.chmod(0o600)
    assert read(site) == "open sesame"


def test_rotation_seals_everything_with_a_new_key_and_drops_the_old_one(site):
    places = [Place("core_mail_server", str(number), "password") for number in range(20)]
    for place in places:
        keep(site, place, f"secret {place.row}")
    before, key = stored(site), site.config.encryption_key_file.read_text()
    assert Secrets(site.config).rotate(site.runtime.database) == 20
    after = stored(site)
    assert {sealed.split(".")[1] for sealed in after.values()} == {Secrets(site.config).key_name}
    assert not set(before.values()) & set(after.values())
    assert [read(site, place) for place in places] == [f"secret {place.row}" for place in places]
    assert key.strip() not in site.config.encryption_key_file.read_text()


def test_rotation_that_cannot_open_a_secret_changes_none(site):
    keep(site)
    keep(site, Place("core_mail_server", "2", "password"))
    with site.runtime.database.engine.begin() as connection:
        connection.execute(sa.update(SECRETS).where(SECRETS.c.row_key == "2").values(sealed="1.x.y"))
    before = stored(site)
    with pytest.raises(SecretError):
        Secrets(site.config).rotate(site.runtime.database)
    assert stored(site) == before
    assert read(site) == "open sesame"


def test_secrets_that_are_stored_during_rotations_can_be_opened_afterwards(site):
    def work(number):
        if number % 3 == 0:
            Secrets(site.config).rotate(site.runtime.database)
        else:
            keep(site, Place("core_mail_server", str(number), "password"), f"secret {number}")

    keep(site)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(24)))
    for number in range(24):
        if number % 3:
            assert read(site, Place("core_mail_server", str(number), "password")) == f"secret {number}"


def test_first_key_of_the_environment_encrypts_and_the_others_still_decrypt(site):
    keep(site, config=with_keys(site, OLD))
    both = with_keys(site, NEW, OLD)
    assert read(site, config=both) == "open sesame"
    assert Secrets(both).rotate(site.runtime.database) == 1
    assert read(site, config=with_keys(site, NEW)) == "open sesame"
    assert not site.config.encryption_key_file.exists()


def test_command_rotates_and_says_so(make_site, monkeypatch):
    site = make_site()
    keep(site)
    for name, value in site.config.environment().items():
        monkeypatch.setenv(name, value)
    told = CliRunner().invoke(main, ["secrets", "rotate"])
    assert told.output == f"1 stored secrets are encrypted with the key {Secrets(site.config).key_name}.\n"
    assert read(site) == "open sesame"
    site.config.encryption_key_file.unlink()
    lost = CliRunner().invoke(main, ["secrets", "rotate"])
    assert lost.exit_code == 1
    assert "Traceback" not in lost.output


def test_doctor_tells_of_secrets_that_cannot_be_opened(make_site):
    site = make_site()

    def told():
        return next(finding for finding in examine(site.config) if finding.subject == "secrets")

    assert told().good
    keep(site)
    assert told().good
    site.config.encryption_key_file.write_text(NEW)
    assert not told().good
    assert "1 stored secrets cannot be opened." in told().sentence


@pytest.mark.parametrize("odd", ["short", "00" * 32, OLD + "00", f"{OLD} tooshort"])
def test_odd_keys_of_the_environment_are_refused(tmp_path, odd):
    with pytest.raises(ConfigError, match="PEYVAND_ENCRYPTION_KEY") as caught:
        Config.load({"PEYVAND_INSTANCE": str(tmp_path), "PEYVAND_ENCRYPTION_KEY": odd})
    assert odd not in str(caught.value)
