"""What each child process of a worker does when it starts."""

import subprocess
import sys

_STARTED = """
import gc
from contextlib import nullcontext
from celery import signals
from worker.app import build_app
build_app("redis://127.0.0.1:1/0", instance="test", open_context=lambda: nullcontext(None))
loaded = len(gc.get_objects())
signals.worker_process_init.send(sender=None)
print(gc.get_freeze_count() >= 0.9 * loaded)
"""


def test_a_child_does_not_walk_what_was_loaded_before_the_fork_for_garbage() -> None:
    done = subprocess.run([sys.executable, "-c", _STARTED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
