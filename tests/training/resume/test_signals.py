"""StopSignals that ask to stop: noted, heeded after the step, told by the exit code."""

import os
import pickle
import signal

import pytest

from seqtag.training.resume.signals import STOP_SIGNALS, StopSignals, handlers_restored, stop_error


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_the_first_signal_is_noted(number):
    signals = StopSignals()
    with handlers_restored():
        signals.listen()
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGUSR1)
    assert signals.received is number


def test_handlers_are_put_back_whatever_happens():
    before = [signal.getsignal(number) for number in STOP_SIGNALS]

    @handlers_restored()
    def fail():
        StopSignals().listen()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_what_a_run_ends_with_says_how_to_go_on_also_from_another_process():
    error = pickle.loads(pickle.dumps(stop_error(signal.SIGTERM, 7, "run/checkpoints/last.ckpt")))
    assert error.exit_code == 75
    assert str(error).startswith("stopped by SIGTERM after step 7; with ckpt_path=last")
    assert str(error).endswith("run/checkpoints/last.ckpt")
