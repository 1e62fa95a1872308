"""The web role: gunicorn with a few processes of a few threads each, configured here and nowhere else.

Neither a `gunicorn.conf.py` nor GUNICORN_CMD_ARGS is read: two places to configure one thing would disagree one day.
"""

import http.client
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from core.config import Config
from core.serve.child import forks_die_with_parent

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    """Gunicorn over `core.serve.wsgi`, with the settings of one installation."""

    def __init__(self, config: Config) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        """Hand our settings to gunicorn; called by it."""
        for name, value in gunicorn_settings(self._config).items():
            self.cfg.set(name, value)

    def load(self) -> "WSGIApplication":
        """Build the application in the worker that will serve it; called by gunicorn."""
        from core.serve.wsgi import create

        return create()


def gunicorn_settings(config: Config) -> dict[str, Any]:
    """Gunicorn's settings for `config`; all times in seconds."""
    settings: dict[str, Any] = {
        "bind": f"[{config.host}]:{config.port}" if ":" in config.host else f"{config.host}:{config.port}",
        "worker_class": "gthread",
        "workers": config.web_workers,
        "threads": config.web_threads,
        # Each worker builds its own Site: threads and connections do not survive a fork.
        "preload_app": False,
        "timeout": 60,
        "graceful_timeout": 8,
        "keepalive": 5,
        # A condition stands in the address of its list, and a Persian letter in an address takes six characters.
        "limit_request_line": 8190,
        # Forwarded headers are ProxyFix's affair (core.serve.wsgi), by count; gunicorn believes no address.
        "forwarded_allow_ips": "",
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "control_socket_disable": True,
        "proc_name": "peyvand web",
    }
    if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK):
        # The heartbeat of a worker must not wait for a busy disk.
        settings["worker_tmp_dir"] = "/dev/shm"
    return settings


def main(config: Config) -> int:
    """Serve until SIGTERM; returns the exit status of gunicorn's master process."""
    # Workers load the configuration from the environment again, after a restart too.
    os.environ.update(config.environment())
    forks_die_with_parent()
    try:
        WebServer(config).run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def answers(config: Config, within: float = 2) -> bool:
    """Whether a web worker answers requests, whatever it says; waits `within` seconds at most."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(config.host, config.host)
    connection = http.client.HTTPConnection(host, config.port, timeout=within)
    try:
        connection.request("HEAD", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
