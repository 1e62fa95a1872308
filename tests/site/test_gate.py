"""The gate between requests and changes of the Runtime."""

import threading
import time

from core.site.gate import Gate


def test_a_change_waits_for_those_inside_and_keeps_others_out() -> None:
    gate, order = Gate(), []
    gate.enter()

    def change() -> None:
        with gate.closed():
            order.append("changed")

    def visit() -> None:
        gate.enter()
        order.append("visited")
        gate.leave()

    changing = threading.Thread(target=change)
    changing.start()
    time.sleep(0.05)
    visiting = threading.Thread(target=visit)
    visiting.start()
    time.sleep(0.05)
    assert order == []
    gate.leave()
    changing.join(2)
    visiting.join(2)
    assert order == ["changed", "visited"]


def test_a_slow_visitor_does_not_hold_up_a_change_for_ever() -> None:
    gate = Gate()
    gate.enter()
    with gate.closed(drain=0.05):
        pass
    gate.leave()
