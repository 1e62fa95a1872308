"""What hangs on a record, its history, files, operations and merges, compared with the model of the rules."""

from __future__ import annotations

import io

import pytest
import sqlalchemy as sa

from core.errors import Forbidden
from core.records.attachments.attaching import attach
from core.records.attachments.models import Attachment
from core.records.attachments.storage import Storage
from core.records.operations.running import operation
from core.records.transfer.checking import CheckedRow
from core.records.transfer.choices import UPDATE, Choices
from core.records.transfer.planning import Planner
from core.records.transfer.targets import target_of
from core.records.transfer.writing import Writer
from core.testing.installation import TestInstallation
from tests.site.rights_model import COMPANY, ROLES, Role, Sample, make_samples


def test_the_history_tells_only_of_records_that_are_seen(crm: TestInstallation) -> None:
    role = ROLES[1]
    samples = make_samples(crm, role)
    browser = crm.browser(role.name)
    for sample in samples:
        answer = browser.get(f"{sample.kind.folder}/{sample.id}/story")
        assert (answer.status_code != 404) == role.may("see", sample.owner, sample.city), sample


def test_what_hangs_on_a_record_is_as_open_as_the_record(
    crm: TestInstallation, dialect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its history, its files, the operation that changed it and its undo, a merge, and a file that updates it."""
    walked = 0
    for role in ROLES if dialect == "sqlite" else (ROLES[3], ROLES[-1]):
        samples = [sample for sample in make_samples(crm, role) if sample.kind is COMPANY]
        for sample in samples:
            attach_file(crm, sample)
        operation_id = change_all(crm, role, samples)
        browser = crm.browser(role.name)
        page = browser.get(f"/operations/{operation_id}").get_data(as_text=True)
        wrong = []
        for sample in samples:
            here = f"{COMPANY.folder}/{sample.id}"
            may = {verb: role.may(verb, sample.owner, sample.city) for verb in ("see", "edit", "delete")}
            story = browser.get(f"{here}/story")
            file = browser.get(f"{here}/files/{file_of(crm, sample)}", buffered=True)
            posted = browser.post(f"{here}/files", data={"files": (io.BytesIO(b"%PDF-1.4"), "a.pdf")})
            other = next(one for one in samples if one is not sample)
            merging = browser.get(f"{COMPANY.folder}/merge?ids={sample.id},{other.id}")
            both = all(role.may(verb, one.owner, one.city) for verb in may for one in (sample, other))
            for door, seen, allowed in (
                ("history", story.status_code == 200, may["see"]),
                ("the form of a note", browser.get(f"{here}/composer/core-note").status_code == 200, may["edit"]),
                ("download", file.get_data() == content_of(sample), may["see"]),
                ("upload", posted.status_code != 404, may["edit"]),
                ("operation", sample.mark in page, may["see"]),
                ("merge", merging.status_code == 200, both),
                ("update by a file", updated_by_file(crm, role, sample), may["edit"]),
            ):
                walked += 1
                if seen != allowed:
                    wrong.append((role.name, door, sample.owner, sample.city))
        browser.post(f"/operations/{operation_id}/undo")
        crm.run_jobs()
        for sample in samples:
            walked += 1
            if (city_of(crm, sample) is None) != role.may("edit", sample.owner, sample.city):
                wrong.append((role.name, "undo", sample.owner, sample.city))
        assert wrong == []
    with capsys.disabled():
        print(f"\nrights matrix: {walked} combinations of role, record and what hangs on it walked")


def content_of(sample: Sample) -> bytes:
    return f"%PDF-1.4 {sample.mark}".encode()


def attach_file(crm: TestInstallation, sample: Sample) -> None:
    with crm.acting() as session:
        record = session.get_one(crm.site.catalog.find(sample.kind.name).model, sample.id)
        storage = Storage(crm.config.attachments)
        with storage.keeping():
            attach(record, storage, io.BytesIO(content_of(sample)), "a.pdf", limit=1000, kinds={"pdf"})
            session.commit()


def file_of(crm: TestInstallation, sample: Sample) -> int:
    with crm.acting() as session:
        return session.scalars(sa.select(Attachment.id).where(Attachment.record_id == sample.id)).one()


def change_all(crm: TestInstallation, role: Role, samples: list[Sample]) -> str:
    """An operation that changed every record and that the reader is told to have done, whatever he may do today."""
    reader = crm.user(role.name).id
    with crm.acting("administrator") as session:
        model = crm.site.catalog.find(COMPANY.name).model
        with operation(session, kind="edit", record_type=COMPANY.name, label="") as op:
            for sample in samples:
                session.get_one(model, sample.id).city = "Changed"
            session.flush()
            op.actor_id, op.size = reader, len(samples)
        session.commit()
        return str(op.id)


def city_of(crm: TestInstallation, sample: Sample) -> str | None:
    with crm.acting() as session:
        model = crm.site.catalog.find(COMPANY.name).model
        return session.scalars(sa.select(model.city).where(model.id == sample.id)).one()


def updated_by_file(crm: TestInstallation, role: Role, sample: Sample) -> bool:
    """Whether a file with the record's name changes it."""
    website = f"https://example.com/{sample.id}/{role.name}"
    with crm.acting(role.name) as session:
        target = target_of(crm.site.screens[COMPANY.name], crm.site.catalog.find(COMPANY.name))
        row = {"name": sample.mark, "website": website}
        choices = Choices.of({"mode": UPDATE, "keys": ["name"]}, target)
        writer = Writer(Planner(session, target, choices, list(row)))
        try:
            writer.write(writer.draft([CheckedRow(2, [], row)]))
            session.commit()
        except Forbidden:
            session.rollback()
    with crm.acting() as session:
        model = crm.site.catalog.find(COMPANY.name).model
        return session.scalars(sa.select(model.website).where(model.id == sample.id)).one() == website
