"""What is true of every stored deal, whichever door it came through."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import ValidationError, archive
from core.errors import Blocked
from core.records.events import OutboxEvent
from plugins.contacts.models import Company, Person
from plugins.sales import services
from plugins.sales.defaults import add_pipeline
from plugins.sales.models import Deal, LostReason, Pipeline, Stage


def refusal(work: Session) -> dict[str, object]:
    """The errors of a commit that is refused; what was wanted is rolled back."""
    with pytest.raises(ValidationError) as caught:
        work.commit()
    work.rollback()
    return caught.value.errors


def told(work: Session, name: str) -> list[int]:
    rows = work.scalars(sa.select(OutboxEvent.record_id).where(OutboxEvent.name == name)).all()
    return [row for row in rows if row is not None]


def test_deal_without_stage_begins_in_the_first_one(deal: Deal, pipeline: Pipeline, stages: dict[str, Stage]) -> None:
    assert deal.pipeline is pipeline
    assert deal.stage is stages["Lead"]
    assert deal.probability == 10
    assert deal.closed_at is None


def test_stage_set_by_its_key_counts_too(work: Session, deal: Deal, stages: dict[str, Stage]) -> None:
    deal.stage_id = stages["Proposal"].id
    work.commit()
    assert deal.stage is stages["Proposal"]
    assert deal.probability == 50


def test_moving_sets_the_probability_of_the_stage(work: Session, deal: Deal, stages: dict[str, Stage]) -> None:
    services.move(deal, stages["Negotiation"])
    work.commit()
    assert deal.probability == 75


def test_probability_changed_by_hand_in_the_same_save_stays(
    work: Session, deal: Deal, stages: dict[str, Stage]
) -> None:
    services.move(deal, stages["Negotiation"], probability=60)
    work.commit()
    assert deal.probability == 60


def test_probability_that_is_emptied_becomes_that_of_the_stage(work: Session, deal: Deal) -> None:
    deal.probability = 33
    work.commit()
    deal.probability = None
    work.commit()
    assert deal.probability == 10


@pytest.mark.parametrize(
    ("field", "value"), [("probability", 101), ("probability", -1), ("amount", Decimal(-1)), ("currency", "rial")]
)
def test_nonsense_is_refused_beside_its_field(work: Session, deal: Deal, field: str, value: object) -> None:
    setattr(deal, field, value)
    assert set(refusal(work)) == {field}


def test_won_deal_needs_an_amount(work: Session, deal: Deal, stages: dict[str, Stage]) -> None:
    services.win(deal)
    assert set(refusal(work)) == {"amount"}
    assert deal.stage is stages["Lead"]
    assert told(work, "sales.deal.won") == []
    deal.amount = Decimal(500)
    services.win(deal)
    work.commit()
    assert deal.stage is stages["Won"]
    assert deal.probability == 100
    assert deal.closed_at is not None
    assert told(work, "sales.deal.won") == [deal.id]


def test_amount_of_a_won_deal_cannot_be_taken_away(work: Session, deal: Deal) -> None:
    deal.amount = Decimal(500)
    services.win(deal)
    work.commit()
    deal.amount = None
    assert set(refusal(work)) == {"amount"}


def test_lost_deal_needs_a_reason(work: Session, deal: Deal, stages: dict[str, Stage], reason: LostReason) -> None:
    services.move(deal, stages["Lost"])
    assert set(refusal(work)) == {"lost_reason"}
    services.lose(deal, reason, "They bought a tent.")
    work.commit()
    assert (deal.stage, deal.probability, deal.lost_note) == (stages["Lost"], 0, "They bought a tent.")
    assert told(work, "sales.deal.lost") == [deal.id]


def test_open_deal_has_no_lost_reason(work: Session, deal: Deal, reason: LostReason) -> None:
    deal.lost_reason = reason
    assert set(refusal(work)) == {"lost_reason"}


def test_opened_again_a_deal_forgets_that_it_was_lost(
    work: Session, deal: Deal, stages: dict[str, Stage], reason: LostReason
) -> None:
    services.lose(deal, reason, "Too slow.")
    work.commit()
    services.reopen(deal)
    work.commit()
    assert (deal.stage, deal.probability) == (stages["Lead"], 10)
    assert deal.closed_at is None
    assert deal.lost_reason is None
    assert deal.lost_note is None


def test_deal_stored_as_won_is_told_once(work: Session, stages: dict[str, Stage]) -> None:
    deal = Deal(name="Bought at once", stage=stages["Won"], amount=Decimal(3))
    work.add(deal)
    work.commit()
    deal.next_step = "Send a card"
    work.commit()
    assert told(work, "sales.deal.won") == [deal.id]
    assert deal.closed_at == deal.created_at


def test_stage_of_another_pipeline_is_refused(work: Session, deal: Deal, stages: dict[str, Stage]) -> None:
    other = add_pipeline(work, "Renewals", 2)
    work.commit()
    (elsewhere, *_rest) = services.stages_of(work, other)
    services.move(deal, elsewhere)
    assert set(refusal(work)) == {"stage"}
    assert deal.stage is stages["Lead"]


def test_changing_only_the_pipeline_goes_to_its_first_stage(work: Session, deal: Deal) -> None:
    other = add_pipeline(work, "Renewals", 2)
    work.commit()
    deal.pipeline = other
    work.commit()
    assert deal.stage is services.stages_of(work, other)[0]


def test_company_follows_from_the_contact_person(work: Session, deal: Deal) -> None:
    company = Company(name="Cardboard Ltd")
    deal.contact = Person(first_name="Ada", last_name="Box", company=company)
    work.commit()
    assert deal.company is company


def test_search_does_not_betray_the_customer(work: Session, deal: Deal) -> None:
    deal.company = Company(name="Cardboard Ltd")
    work.commit()
    assert "roof" in deal.search_text
    assert "cardboard" not in deal.search_text


def test_deal_outlives_its_contact(work: Session, deal: Deal) -> None:
    person = Person(first_name="Ada", last_name="Box")
    deal.contact = person
    work.commit()
    work.delete(person)
    work.commit()
    work.expire_all()
    assert deal.contact is None


def test_kind_of_a_stage_with_deals_stays(work: Session, deal: Deal, stages: dict[str, Stage]) -> None:
    stages["Lead"].kind = "won"
    assert set(refusal(work)) == {"kind"}
    stages["Qualified"].kind = "won"
    work.commit()


def test_stage_and_pipeline_with_deals_are_not_deleted(
    work: Session, deal: Deal, stages: dict[str, Stage], pipeline: Pipeline
) -> None:
    archive(deal)
    work.commit()
    for place in (stages["Lead"], pipeline):
        archive(place)
        with pytest.raises(Blocked):
            work.commit()
        work.rollback()
    archive(stages["Qualified"])
    work.commit()
