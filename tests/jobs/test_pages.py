"""The jobs pages: who sees and changes which jobs. The templates here say what they were given, and nothing else."""

import pytest
import sqlalchemy as sa
from jinja2 import DictLoader

from core.accounts.actor import Actor, acting_as
from core.jobs.execution import perform_job
from core.jobs.models import JOBS
from core.jobs.queue import MANAGE, enqueue
from core.web.jobs import PER_PAGE, SEE, jobs

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ADA = Actor(1, "Ada", frozenset({"user"}))
BOB = Actor(2, "Bob", frozenset({"user"}))
ADMINISTRATOR = Actor(7, "Zoe", permissions=frozenset({SEE, MANAGE}))
ROW = "{{ job.id }} {{ job.label }} {{ job.state }} by {{ job.actor }} [{{ job.error }}] {{ job.result_url }}"
TEMPLATES = {
    "nova/jobs.html": "{% for tab in tabs %}{{ tab.label }}:{{ tab.count }}{{ '*' if tab.active }} {% endfor %}\n"
    "{% for job in jobs %}ROW {% include 'nova/_job_row.html' %}\n{% endfor %}"
    "older={{ page_url_older }} newer={{ page_url_newer }} delayed={{ delayed }}"
    "{% for entry in schedules or () %} {{ entry.label }} {{ entry.every }}{% endfor %}",
    "nova/_job_row.html": ROW + "{{ ' can cancel' if job.cancel_url }}{{ ' can retry' if job.retry_url }}",
    "nova/_job_progress.html": "{{ job.done }}/{{ job.total }} {{ job.message }}",
}


@pytest.fixture
def client(runtime):
    app = runtime.current_site().app
    app.jinja_loader = DictLoader(TEMPLATES)
    app.register_blueprint(jobs)
    app.teardown_appcontext(lambda _error: runtime.database.session.remove())
    return app.test_client()


@pytest.fixture
def adas(runtime, client):
    """Enqueue a job as Ada and return its id."""

    def ask_for(name="toy.mark", **arguments):
        with client.application.app_context(), acting_as(ADA):
            job_id = enqueue(name, **arguments).id
            runtime.database.session.commit()
            runtime.database.session.remove()
        return job_id

    return ask_for


def get(client, actor, path):
    with acting_as(actor):
        return client.get(path)


def post(client, actor, path):
    with acting_as(actor):
        return client.post(path)


def test_everybody_sees_the_own_jobs_and_administrators_all(client, adas):
    job_id = adas(text="x")
    assert job_id in get(client, ADA, "/jobs").text
    assert job_id not in get(client, BOB, "/jobs").text
    assert get(client, ADA, "/admin/jobs").status_code == 404
    page = get(client, ADMINISTRATOR, "/admin/jobs").text
    assert f"{job_id} Mark queued by Ada" in page
    assert "All:1*" in page
    assert "Mark every hour" in page


@pytest.mark.parametrize("path", ["/jobs", "/admin/jobs", "/admin/jobs/tray", f"/jobs/{'0' * 32}/row"])
def test_who_is_not_signed_in_sees_nothing(client, path):
    assert get(client, Actor(), path).status_code == 404


def test_somebody_elses_job_looks_like_none(client, adas, status):
    job_id = adas(text="x")
    for path in (f"/jobs/{job_id}/row", f"/jobs/{job_id}/progress", "/jobs/nonsense/row", f"/jobs/{'0' * 32}/row"):
        assert get(client, BOB, path).status_code == 404
    assert post(client, BOB, f"/jobs/{job_id}/cancel").status_code == 404
    assert status(job_id) == "queued"
    assert get(client, ADA, f"/jobs/{job_id}/row").status_code == 200


def test_cancel_and_retry_by_the_buttons(client, adas, status):
    job_id = adas(text="x")
    assert "can cancel" in get(client, ADA, f"/jobs/{job_id}/row").text
    assert post(client, ADA, f"/jobs/{job_id}/cancel").headers["Location"] == "/jobs"
    assert status(job_id) == "cancelled"
    assert "can retry" in get(client, ADA, f"/jobs/{job_id}/row").text
    post(client, ADMINISTRATOR, f"/jobs/{job_id}/retry")
    assert status(job_id) == "queued"
    assert client.get(f"/jobs/{job_id}/cancel").status_code == 405


def test_a_traceback_is_for_administrators_only(runtime, client, adas):
    job_id = adas("toy.fail_twice")
    perform_job(runtime, job_id, "test")
    own = get(client, ADA, f"/jobs/{job_id}/row").text
    assert "It ended with an error." in own
    assert "4711" not in own
    assert "4711" in get(client, ADMINISTRATOR, f"/jobs/{job_id}/row").text


def test_a_running_job_shows_what_it_last_said(runtime, client, adas):
    job_id = adas(text="x")
    with runtime.database.engine.begin() as connection:
        connection.execute(sa.update(JOBS).values(status="running", attempts=1))
    runtime.queue.publish(job_id, 1, {"done": 40, "total": 120, "message": "rows"})
    assert get(client, ADA, f"/jobs/{job_id}/progress").text == "40/120 rows"
    assert "1 job is running" in get(client, ADA, "/admin/jobs/tray").text
    assert get(client, BOB, "/admin/jobs/tray").text == ""


@pytest.mark.parametrize("url", ["//evil.example", "https://evil.example", "javascript:alert(1)", "/\\evil.example"])
def test_only_a_local_address_in_a_result_becomes_a_link(runtime, client, adas, url):
    job_id = adas(text="x")
    with runtime.database.engine.begin() as connection:
        connection.execute(sa.update(JOBS).values(status="done", result={"url": url}))
    assert get(client, ADA, f"/jobs/{job_id}/row").text.endswith("[] None")
    with runtime.database.engine.begin() as connection:
        connection.execute(sa.update(JOBS).values(status="done", result={"url": "/import/7"}))
    assert get(client, ADA, f"/jobs/{job_id}/row").text.endswith("/import/7")


def test_the_list_is_cut_into_pages_and_filtered(client, adas, runtime):
    for number in range(PER_PAGE + 1):
        adas(text=str(number))
    first = get(client, ADA, "/jobs").text
    assert first.count("ROW") == PER_PAGE
    assert "older=/jobs?page=2 newer=None" in first
    second = get(client, ADA, "/jobs?page=۲").text
    assert second.count("ROW") == 1
    assert "older=None newer=/jobs" in second
    assert get(client, ADA, "/jobs?status=done").text.count("ROW") == 0


@pytest.mark.parametrize("query", ["page=0", "page=-1", f"page={10**40}", "page=x", "page=%00", "status=nonsense"])
def test_an_odd_address_is_a_bad_request(client, query):
    assert get(client, ADA, f"/jobs?{query}").status_code == 400


def test_a_list_costs_few_queries(client, adas, runtime):
    for number in range(10):
        adas(text=str(number))
    queries = []
    sa.event.listen(runtime.database.engine, "before_cursor_execute", lambda *args: queries.append(args[2]))
    get(client, ADMINISTRATOR, "/admin/jobs")
    assert len([query for query in queries if query.startswith("SELECT")]) <= 5


def test_a_queue_that_is_away_is_said(client, adas, runtime):
    adas(text="x")
    runtime.queue.url = "unix:///nowhere/redis.sock"
    runtime.queue.__dict__.pop("client").close()
    assert "The queue cannot be reached" in get(client, ADA, "/jobs").text
