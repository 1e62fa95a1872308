"""Work that the collector of cyclic garbage stays away from."""

import gc
import threading

from core.records.transfer.undisturbed import undisturbed


def test_the_collector_comes_back_when_the_last_thread_is_done() -> None:
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        with undisturbed():
            entered.set()
            leave.wait(10)

    assert gc.isenabled()
    thread = threading.Thread(target=work)
    with undisturbed():
        thread.start()
        entered.wait(10)
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


def test_whoever_had_turned_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with undisturbed():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
