"""Batches leave by a thread; what does not fit is dropped and counted."""

import threading

from triplegate.control.telemetry.background import Background


def test_items_are_worked_in_order_and_close_waits_for_the_last() -> None:
    seen: list[int] = []
    background: Background[int] = Background("t", seen.append, 100)
    background.start()
    for number in range(50):
        assert background.put(number, 1)
    assert background.close()
    assert seen == list(range(50))
    assert background.lost == 0


def test_a_blocked_sink_drops_by_weight_counts_what_it_dropped_and_never_waits() -> None:
    release, entered = threading.Event(), threading.Event()

    def work(_: bytes) -> None:
        entered.set()
        release.wait(5)

    background: Background[bytes] = Background("t", work, 10)
    background.start()
    assert background.put(b"a", 6, 2)
    assert entered.wait(5)
    assert background.put(b"b", 4, 3)
    assert not background.put(b"c", 1, 7)  # what is under work still weighs
    assert background.dropped == 7
    release.set()
    assert background.close()
    assert not background.put(b"late", 1)


def test_a_failure_is_shown_until_the_next_success() -> None:
    done = threading.Semaphore(0)

    def work(number: int) -> None:
        try:
            if number == 0:
                raise OSError(28, "No space left on device")
        finally:
            done.release()

    background: Background[int] = Background("t", work, 10)
    background.start()
    background.put(0, 1, 5)
    background.put(0, 1, 5)
    assert background.close()
    assert background.failed == 10
    assert "No space left" in background.failing


def test_closing_with_a_stuck_sink_gives_up_in_time_and_counts_the_rest() -> None:
    release = threading.Event()
    background: Background[int] = Background("t", lambda _: void(release.wait(5)), 10)
    background.start()
    background.put(1, 1, 1)
    background.put(2, 1, 4)
    assert not background.close(timeout=0.2)
    assert background.dropped in (4, 5)  # the first may not have been picked up yet
    release.set()


def void(_: object) -> None:
    return None
