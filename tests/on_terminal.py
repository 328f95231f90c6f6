"""Runs a command on a terminal of its own and answers each question for a passphrase: ANSWERS COMMAND...

ANSWERS are separated by commas. Prints what the terminal showed and leaves with the command's exit code."""

import os
import pty
import sys
import termios
import time


def wait_until_hidden(terminal):
    """A person types after the question was asked; a program must wait until the terminal shows nothing."""
    for _ in range(1000):
        if not termios.tcgetattr(terminal)[3] & termios.ECHO:
            return
        time.sleep(0.005)


answers = sys.argv[1].split(",")
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown, seen = b"", 0
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:  # Linux's end of file on a terminal whose other side is closed
        break
    if not piece:
        break
    shown += piece
    asked = shown[seen:].lower()
    if b"passphrase" in asked and asked.rstrip().endswith(b":"):
        seen = len(shown)
        answer = answers.pop(0) if answers else ""
        wait_until_hidden(terminal)
        os.write(terminal, answer.encode() + b"\n")
_, status = os.waitpid(pid, 0)
sys.stdout.write(shown.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(status))
