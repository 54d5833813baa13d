"""A program on a terminal of its own, whose questions are answered."""

import os
import pty
import subprocess
from collections.abc import Mapping
from pathlib import Path


def answer_questions(script: str, *, answers: Mapping[str, str], env: Mapping[str, str], cwd: Path) -> tuple[int, str]:
    """Run a bash script on a terminal, type the answer to each question, and return its exit status and its output.

    A question is a line without an end that contains a key of `answers`; each is answered once.
    """
    master, slave = pty.openpty()
    # A session without a terminal gets the first one that it opens, as after a login.
    opened = f"exec <{os.ttyname(slave)} >{os.ttyname(slave)} 2>&1\n{script}"
    with subprocess.Popen(["bash", "-euc", opened], env=dict(env), cwd=cwd, stdin=slave, start_new_session=True) as process:
        os.close(slave)
        output, remaining = "", dict(answers)
        with os.fdopen(master, "r+b", buffering=0) as terminal:
            while received := _read(terminal.fileno()):
                output += received
                line = output.rpartition("\n")[2]
                question = next((key for key in remaining if key in line and line.endswith(": ")), None)
                if question is not None:
                    terminal.write(f"{remaining.pop(question)}\n".encode())
        return process.wait(), output


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 65536).decode()
    except OSError:  # Linux: every process with the other end has exited
        return ""
