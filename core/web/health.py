"""What a load balancer asks."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify

from core.accounts.security import public
from core.site.site import current_site
from core.site.state import read_generation

health_pages = Blueprint("health", __name__)


@health_pages.get("/healthz")
@public
def check() -> tuple[Response, int]:
    """200 while the database answers; ``stale`` says that this process serves an older generation than it should."""
    site = current_site()
    try:
        with site.runtime.database.autocommit() as connection:
            wanted = read_generation(connection)
    except sa.exc.SQLAlchemyError:
        return jsonify(status="no database", generation=site.generation), 503
    return jsonify(status="ok", generation=site.generation, stale=wanted != site.generation), 200
