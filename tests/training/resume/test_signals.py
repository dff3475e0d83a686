"""Stop signals: recorded on arrival, and reported by the exit code."""

import os
import pickle
import signal

import pytest

from seqtag.training.resume.signals import STOP_SIGNALS, StopSignals, handlers_restored, stop_error


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_the_first_signal_is_recorded(number):
    signals = StopSignals()
    with handlers_restored():
        signals.listen()
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGUSR1)
    assert signals.received is number


def test_handlers_are_restored_after_an_error():
    before = [signal.getsignal(number) for number in STOP_SIGNALS]

    @handlers_restored()
    def fail():
        StopSignals().listen()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_the_error_of_a_stopped_run_can_be_pickled_and_says_how_to_resume():
    error = pickle.loads(pickle.dumps(stop_error(signal.SIGTERM, 7, "run/checkpoints/last.ckpt")))
    assert error.exit_code == 75
    message = "stopped by SIGTERM after step 7; to resume, run the same command with ckpt_path=last"
    assert str(error).startswith(message)
    assert str(error).endswith("run/checkpoints/last.ckpt")
