"""What the fleet promises."""


def _add_driver(session):
    from peyvand_fleet.models import Vehicle

    from plugins.contacts.models import Person

    driver = Person(first_name="Sara", last_name="Karimi")
    session.add_all([driver, Vehicle(plate="12 B 345", model="Dena", driver=driver)])
    session.commit()
    return driver.id


def test_a_persons_page_shows_the_vehicles_she_drives(make_site):
    site = make_site("fleet")
    with site.acting() as session:
        driver = _add_driver(session)

    page = site.browser("user").get(f"/contacts/person/{driver}").get_data(as_text=True)

    assert "Vehicles" in page
    assert "12 B 345" in page


def test_a_vehicle_is_found_by_part_of_its_plate(make_site):
    site = make_site("fleet")
    with site.acting() as session:
        _add_driver(session)

    assert "Dena" in site.browser("user").get("/fleet/vehicle/?search=345").get_data(as_text=True)


def test_a_vehicle_stays_when_its_driver_is_deleted(make_site, dialect):
    site = make_site("fleet", dialect=dialect)
    with site.acting() as session:
        from peyvand_fleet.models import Vehicle

        from plugins.contacts.models import Person

        session.delete(session.get_one(Person, _add_driver(session)))
        session.commit()
        session.expire_all()

        assert session.query(Vehicle).one().driver_id is None
