"""Processes that find torch imported: the fork of a server that imports it once a test process.

A fresh interpreter takes seconds to import torch and timm. Tests of signals and of lost processes
need processes of their own, but not their imports.
"""

import atexit
import multiprocessing
import os
import sys
import threading
from uuid import uuid4

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["timm", "torch", "segviz.cli.main", "segviz.runs.batch"])


class ForkedProcess:
    """A process that calls a function, with the interface of `subprocess.Popen` in text mode.

    Arguments:
        function: A function of a module.
        arguments: What it is called with; pickled.
        cwd: The directory to change to; None = that of the tests.
        start_new_session: Whether it leads a process group of its own.
    """

    def __init__(self, function, *arguments, cwd=None, start_new_session=False):
        pipes = [_CONTEXT.Pipe(duplex=False) for _ in range(2)]
        writers = [writer for _, writer in pipes]
        self._process = _CONTEXT.Process(
            target=_child, args=(writers, cwd, start_new_session, function, arguments)
        )
        self._process.start()
        for writer in writers:
            writer.close()
        self.stdout, self.stderr = (os.fdopen(os.dup(reader.fileno())) for reader, _ in pipes)

    @property
    def pid(self):
        return self._process.pid

    @property
    def returncode(self):
        """The exit status, or the negative number of the signal that ended it; None before."""
        return self._process.exitcode

    poll = returncode.fget

    def send_signal(self, number):
        os.kill(self.pid, number)

    def communicate(self, timeout=100):
        """Wait for the end; return what is left of stdout and stderr."""
        errors = []
        reader = threading.Thread(target=lambda: errors.append(self.stderr.read()))
        reader.start()
        out = self.stdout.read()
        reader.join(timeout)
        self._process.join(timeout)
        self.stdout.close()
        self.stderr.close()
        return out, errors[0]


def start_workers(count, function, *arguments, restarts=0):
    """Start processes that each call a function, as `torchrun --standalone` starts them.

    They are those of torchrun's agent, but forked, so that nothing is imported again.

    Arguments:
        count: The number of processes.
        function: A function of a module.
        arguments: What it is called with; pickled.
        restarts: How often all are started again after one was lost.
    """
    return ForkedProcess(_run_agent, count, restarts, function, arguments)


def _run_agent(count, restarts, function, arguments):
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=str(uuid4()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=restarts,
        start_method="fork",
    )
    elastic_launch(config, function)(*arguments)


def run_code(code, *arguments):
    """Run code, as `python -c CODE ARGUMENTS` does."""
    sys.argv = ["-c", *map(str, arguments)]
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})


def _child(writers, cwd, start_new_session, function, arguments):
    for number, writer in enumerate(writers, start=1):
        os.dup2(writer.fileno(), number)
        writer.close()
    # The server's streams may have been those of a file, which can seek.
    sys.stdout, sys.stderr = (os.fdopen(n, "w", encoding="utf-8", closefd=False) for n in (1, 2))
    if start_new_session:
        os.setsid()
    if cwd is not None:
        os.chdir(cwd)
    try:
        function(*arguments)
    finally:
        atexit._run_exitfuncs()  # as an interpreter does, and multiprocessing does not
