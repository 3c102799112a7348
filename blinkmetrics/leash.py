"""`python -m blinkmetrics.leash PARENT words…`: Python with these words, which ends with the process that started it.

A parent that is killed with -9 stops nobody. Linux tells its children; elsewhere they would go on.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2): the signal that a process gets when its parent ends. It outlives an exec.

if __name__ == "__main__":
    parent, *words = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        sys.exit("Its parent has ended.")  # Before it could be told.
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606  the words are ours
