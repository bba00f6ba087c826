import os
import signal

import pytest

from segviz.errors import InputError
from segviz.profiling.isolated_process import ProcessEndedError, call_in_process


def process_id(offset):
    return os.getpid() + offset


def handler_of_interrupts():
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def refuse(value):
    raise InputError(f"value must be 1, got {value}.")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_result_of_another_process():
    assert call_in_process(process_id, 0) != os.getpid()


def test_ctrl_c_is_for_the_parent():
    before = signal.getsignal(signal.SIGINT)
    assert call_in_process(handler_of_interrupts)
    assert signal.getsignal(signal.SIGINT) is before


def test_input_errors_reach_the_parent():
    with pytest.raises(InputError, match=r"value must be 1, got 2\."):
        call_in_process(refuse, 2)


def test_killed_process():
    with pytest.raises(ProcessEndedError):
        call_in_process(die)
