"""The WSGI application of one web process: `core.serve.wsgi:application`.

It is built at the first access to `application`, so importing this module costs nothing and needs no configuration.
"""

import gc
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    application: WSGIApplication


def create() -> "WSGIApplication":
    """Build the application from the environment. Raises `ConfigError` when that is unusable."""
    from werkzeug.middleware.proxy_fix import ProxyFix

    from core.config import Config
    from core.garbage import set_aside
    from core.site.dispatch import create_application

    config = Config.load()
    served: WSGIApplication = create_application(config)
    # The first Site is set aside too, also after a change of modules has replaced it; later ones are let go as ever.
    gc.collect()
    set_aside()
    if config.trusted_proxies:
        hops = config.trusted_proxies
        served = ProxyFix(served, x_for=hops, x_proto=hops, x_host=hops, x_port=hops, x_prefix=hops)
    return served


def __getattr__(name: str) -> Any:
    if name != "application":
        raise AttributeError(name)
    return globals().setdefault(name, create())
