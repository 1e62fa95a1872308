"""Waits for something that never happens."""

import threading

threading.Event().wait()
