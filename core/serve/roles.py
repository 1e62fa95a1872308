"""What `peyvand serve` runs: the whole installation under one supervisor, or one of its roles alone.

On one machine the supervisor starts every role as a child. On many machines each runs the roles it shall have, in the
foreground, under the machine's own supervisor: `peyvand serve --only web`, `worker` or `scheduler`, with
PEYVAND_DATABASE_URL and PEYVAND_REDIS_URL naming what they share; `peyvand init` migrates once before.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from core.config import Config
from core.errors import StartError
from core.serve import checks, redis_server, web
from core.serve.child import forks_die_with_parent
from core.serve.supervisor import Program, Supervisor

if TYPE_CHECKING:
    from core.site.runtime import Runtime


def serve(config: Config, only: str | None = None, announce: Callable[[], None] | None = None) -> int:
    """Run the installation, or the role `only` of it, until it is told to stop; returns the exit status.

    `announce` is called once everything is ready (default: the address is printed). Raises `StartError`, with one
    sentence for the person at the console, when something keeps it from starting or from running on.
    """
    if only is not None:
        return _serve_alone(config, only)
    checks.check_instance(config.instance)
    with checks.only_supervisor(config) as lock:
        checks.check_port(config.host, config.port)
        checks.check_database(config)
        if config.own_redis:
            redis_server.prepare(config.redis_socket, config.instance / "redis")
        else:
            checks.check_redis(config)
        supervisor = Supervisor(
            programs(config, lock),
            announce=announce or partial(_say, f"Peyvand is ready at {config.public_url}"),
            report=_complain,
        )
        supervisor.run()
    return 0


def programs(config: Config, lock: int) -> tuple[Program, ...]:
    """The children of a whole installation, in the order of their start; `lock` is the instance's lock."""
    environment = config.environment()

    def role(name: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "core.serve", name)

    own_redis = Program(
        name="Redis server",
        command=redis_server.command(config.redis_socket, config.instance / "redis") if config.own_redis else (),
        ready=partial(redis_server.answers, config.redis_location),
        stop_within=5,
        pass_fds=(lock,),
        log=redis_server.log_file(config.instance / "redis"),
    )
    others = (
        # Large tables are rebuilt for as long as they need; ending that half-way would help nobody.
        Program(name="migration", command=role("migrate"), environment=environment, once=True, start_within=86400),
        Program(name="web server", command=role("web"), environment=environment, ready=partial(web.answers, config)),
        Program(name="worker", command=role("worker"), environment=environment),
        Program(name="scheduler", command=role("scheduler"), environment=environment, stop_within=5),
    )
    return (own_redis, *others) if config.own_redis else others


def migrate(config: Config) -> int:
    """Bring the database up to the installed code, and clear up what a crash left."""
    from core.site.installation import prepare

    for sentence in prepare(config):
        _complain(sentence)
    return 0


def work(config: Config) -> int:
    """Run jobs from the queue."""
    from core.jobs.worker import main
    from core.site.runtime import Runtime

    # A job must not run on when its worker was killed: the next worker will take it up again.
    forks_die_with_parent()
    return _with_runtime(Runtime(config, kind="worker"), main)


def keep_time(config: Config) -> int:
    """Put scheduled jobs on the queue when they are due."""
    from core.jobs.schedule import main
    from core.site.runtime import Runtime

    return _with_runtime(Runtime(config, kind="scheduler"), main)


def _with_runtime(runtime: "Runtime", main: "Callable[[Runtime], int]") -> int:
    runtime.current_site()
    try:
        return main(runtime)
    finally:
        runtime.sign_off()


ROLES: dict[str, Callable[[Config], int]] = {
    "web": web.main,
    "worker": work,
    "scheduler": keep_time,
    "migrate": migrate,
}
"""What each role runs in the foreground."""

ALONE = ("web", "worker", "scheduler")
"""The roles that may be run without the supervisor."""


def _serve_alone(config: Config, role: str) -> int:
    if role not in ALONE:
        raise StartError(f"There is no role {role!r}; the roles are {', '.join(ALONE)}.")
    checks.check_instance(config.instance)
    if role == "web":
        checks.check_port(config.host, config.port)
    checks.check_database(config)
    checks.check_redis(config)
    return ROLES[role](config)


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def _complain(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
