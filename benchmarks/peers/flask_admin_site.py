"""Flask-Admin as it comes, over Peyvand's own tables.

Run by gunicorn as ``benchmarks.peers.flask_admin_site:application``; BENCHMARK_DATABASE names the database.
"""

from __future__ import annotations

import os
import warnings

import sqlalchemy as sa
from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_babel import Babel
from sqlalchemy.orm import DeclarativeBase, relationship, scoped_session, sessionmaker

warnings.simplefilter("ignore", DeprecationWarning)
engine = sa.create_engine(os.environ["BENCHMARK_DATABASE"])
metadata = sa.MetaData()
metadata.reflect(engine, only=["contacts_contact", "sales_deal"], resolve_fks=False)


class Base(DeclarativeBase):
    """Classes over tables that are there already."""

    metadata = metadata


class Contact(Base):
    """contacts_contact, people and companies alike."""

    __table__ = metadata.tables["contacts_contact"]
    company = relationship("Contact", remote_side=[__table__.c.id], foreign_keys=[__table__.c.company_id],
                           primaryjoin=__table__.c.company_id == __table__.c.id)  # fmt: skip

    def __str__(self) -> str:
        return str(self.name)


class ContactView(ModelView):
    """The list, search, filters and form that Flask-Admin makes of the class."""

    column_list = ("name", "company", "job_title", "city", "status", "created_at")
    column_default_sort = "name_sort"
    column_searchable_list = ("search_text",)
    column_filters = ("city", "birthday")
    named_filter_urls = True
    page_size = 25
    can_export = True
    can_view_details = True
    form_columns = ("first_name", "last_name", "name", "job_title", "birthday", "city", "status", "private")


class SessionProxy(scoped_session):
    """The session in the shape that Flask-Admin asks for."""

    @property
    def session(self) -> object:
        return self()


application = Flask(__name__)
application.secret_key = "benchmark"  # noqa: S105 - nothing is protected here
Babel(application)  # Flask-Admin uses Flask-Babel wherever it is installed
session = SessionProxy(sessionmaker(engine))
admin = Admin(application, name="Stock")
admin.add_view(ContactView(Contact, session, endpoint="contact", url="/admin/contact"))


@application.teardown_appcontext
def _let_go(_error: BaseException | None) -> None:
    session.remove()
