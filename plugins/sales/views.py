"""The page on which pipelines and stages are kept, and moving a deal from its own page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from core import (
    COLOR_LABELS,
    Blocked,
    ValidationError,
    format_digits,
    format_number,
    latin_digits,
    require,
    session,
)
from plugins.sales import services
from plugins.sales.defaults import add_pipeline
from plugins.sales.models import KINDS, OPEN, Pipeline, Stage

KEEP = "sales.pipeline.edit"
REFUSED = 422
CONFLICT = 409
ID = "int(max=9223372036854775807)"

pipeline_pages = Blueprint("sales", __name__, url_prefix="/sales")

Errors = Mapping[str, object]


# --- pipelines and stages


@pipeline_pages.get("/pipelines")
def pipelines() -> Response:
    """The pipelines, and the stages of the one that ``?pipeline=`` names."""
    require(KEEP)
    asked = request.args.get("pipeline", "")
    found = services.pipelines(session)
    chosen = next((entry for entry in found if str(entry.id) == asked), None)
    if asked and chosen is None:
        abort(404)
    return _page(chosen or (found[0] if found else None))


@pipeline_pages.post("/pipelines")
def create_pipeline() -> BaseResponse:
    """Add a pipeline with the usual stages."""
    require(KEEP)
    name = request.form.get("name", "")
    last = max((entry.position for entry in services.pipelines(session)), default=0)
    made: list[Pipeline] = []
    errors = _save(lambda: made.append(add_pipeline(session, name, last + 1)))
    if errors:
        return _page(_first(), errors={"new": errors}, typed={"new": request.form}, status=REFUSED)
    flash(_("“%(name)s” was created.", name=made[0].name), "success")
    return _to(made[0])


@pipeline_pages.post(f"/pipelines/<{ID}:pipeline_id>")
def rename_pipeline(pipeline_id: int) -> BaseResponse:
    """Give a pipeline another name."""
    pipeline = _kept(Pipeline, pipeline_id)
    name = request.form.get("name", "").strip()
    errors = _save(lambda: setattr(pipeline, "name", name))
    if errors:
        return _page(pipeline, errors={"pipeline": errors}, typed={"pipeline": request.form}, status=REFUSED)
    flash(_("“%(name)s” was saved.", name=pipeline.name), "success")
    return _to(pipeline)


@pipeline_pages.post(f"/pipelines/<{ID}:pipeline_id>/remove")
def remove_pipeline(pipeline_id: int) -> BaseResponse:
    """Put an empty pipeline in the recycle bin."""
    pipeline = _kept(Pipeline, pipeline_id)
    errors = _save(lambda: services.remove_pipeline(session, pipeline))
    if errors:
        _flash(errors)
        return _to(pipeline)
    flash(_("“%(name)s” was removed.", name=pipeline.name), "success")
    return redirect(url_for("sales.pipelines"))


@pipeline_pages.post(f"/pipelines/<{ID}:pipeline_id>/stages")
def create_stage(pipeline_id: int) -> BaseResponse:
    """Add a stage behind those of its kind."""
    pipeline = _kept(Pipeline, pipeline_id)
    values, errors = _stage_values()
    values["kind"] = request.form.get("kind", OPEN)
    errors = errors or _save(lambda: services.add_stage(session, pipeline, **values))
    if errors:
        return _page(pipeline, errors={"stage": errors}, typed={"stage": request.form}, status=REFUSED)
    flash(_("“%(name)s” was created.", name=values["name"]), "success")
    return _to(pipeline)


@pipeline_pages.post(f"/pipelines/<{ID}:pipeline_id>/order")
def order_stages(pipeline_id: int) -> BaseResponse:
    """Put the stages in the order of the posted ids; what dragging a stage posts."""
    pipeline = _kept(Pipeline, pipeline_id)
    ids = [int(text) for text in request.form.getlist("stage") if text.isascii() and text.isdigit() and len(text) < 19]
    errors = _save(lambda: services.reorder_stages(session, pipeline, ids))
    if errors:
        return Response(" ".join(map(str, errors.values())), status=CONFLICT, mimetype="text/plain")
    return Response(status=204)


@pipeline_pages.post(f"/stages/<{ID}:stage_id>")
def change_stage(stage_id: int) -> BaseResponse:
    """Change name, colour, probability and patience of a stage."""
    stage = _kept(Stage, stage_id)
    values, errors = _stage_values()
    errors = errors or _save(lambda: _change(stage, values))
    if errors:
        typed = {stage.id: request.form}
        return _page(stage.pipeline, errors={stage.id: errors}, typed=typed, status=REFUSED)
    flash(_("“%(name)s” was saved.", name=stage.name), "success")
    return _to(stage.pipeline, stage)


@pipeline_pages.post(f"/stages/<{ID}:stage_id>/shift")
def shift_stage(stage_id: int) -> BaseResponse:
    """Move a stage one place up or down; the keyboard's way of dragging."""
    stage = _kept(Stage, stage_id)
    _flash(_save(lambda: services.shift_stage(session, stage, -1 if request.form.get("to") == "up" else 1)))
    return _to(stage.pipeline, stage)


@pipeline_pages.post(f"/stages/<{ID}:stage_id>/remove")
def remove_stage(stage_id: int) -> BaseResponse:
    """Remove a stage; its deals go to the posted ``target``."""
    stage = _kept(Stage, stage_id)
    pipeline, asked = stage.pipeline, request.form.get("target", "")
    assert pipeline is not None, "a stage has a pipeline"
    target = next((other for other in services.stages_of(session, pipeline) if str(other.id) == asked), None)
    moved: list[int] = []
    errors = _save(lambda: moved.append(services.remove_stage(session, stage, target)))
    _flash(errors)
    if not errors:
        count = format_number(moved[0])
        told = ngettext("%(count)s deal was moved.", "%(count)s deals were moved.", moved[0], count=count)
        text = _("“%(name)s” was removed.", name=stage.name)
        flash(f"{text} {told}" if moved[0] else text, "success")
    return _to(pipeline)


def _page(
    pipeline: Pipeline | None,
    *,
    errors: Mapping[Any, Errors] | None = None,
    typed: Mapping[Any, Mapping[str, str]] | None = None,
    status: int = 200,
) -> Response:
    stages = services.stages_of(session, pipeline) if pipeline else []
    html = render_template(
        "sales/pipelines.html",
        pipelines=services.pipelines(session),
        pipeline=pipeline,
        stages=stages,
        counts=services.deal_counts(session, pipeline) if pipeline else {},
        kinds=[(option.code, option.label) for option in KINDS],
        kind_of={option.code: option for option in KINDS},
        colors=list(COLOR_LABELS.items()),
        errors=errors or {},
        typed=typed or {},
        digits=format_digits,
    )
    return make_response(html, status)


def _stage_values() -> tuple[dict[str, Any], dict[str, object]]:
    """What was typed about a stage, and what is wrong with it."""
    errors: dict[str, object] = {}
    values: dict[str, Any] = {
        "name": request.form.get("name", "").strip(),
        "color": request.form.get("color", "gray"),
    }
    for name, empty in (("probability", 0), ("rot_days", None)):
        text = latin_digits(request.form.get(name, "")).strip()
        if text and not (text.isascii() and text.isdigit() and len(text) < 10):
            errors[name] = _("Write a whole number.")
        values[name] = int(text) if text and name not in errors else empty
    return values, errors


def _change(stage: Stage, values: dict[str, Any]) -> None:
    services.rename_stage(stage, values.pop("name"))
    for name, value in values.items():
        setattr(stage, name, value)


# --- what all of them share


def _kept(model: type[Any], key: int) -> Any:
    """The pipeline or stage, for somebody who may keep it."""
    require(KEEP)
    found = session.scalars(sa.select(model).where(model.id == key, model.archived_at.is_(None))).one_or_none()
    return found if found is not None else abort(404)


def _first() -> Pipeline | None:
    return next(iter(services.pipelines(session)), None)


def _save(change: Callable[[], object]) -> dict[str, object]:
    """Make ``change`` and commit it; what is wrong, by field, where it was refused."""
    try:
        with session.no_autoflush:
            change()
        session.commit()
    except ValidationError as error:
        session.rollback()
        return error.errors
    except Blocked as error:
        session.rollback()
        return {"": str(error)}
    return {}


def _flash(errors: Errors) -> None:
    for text in errors.values():
        flash(str(text), "danger")


def _to(pipeline: Pipeline | None, stage: Stage | None = None) -> BaseResponse:
    anchor = f"stage-{stage.id}" if stage is not None else None
    return redirect(url_for("sales.pipelines", pipeline=pipeline.id if pipeline else None, _anchor=anchor))
