"""Types into a bash of its own on a terminal, and prints what stands on the line after the Tab.

KPKI FOLDER TYPED...: each TYPED is typed in FOLDER and completed with one Tab; one line is printed for each."""

import os
import pty
import select
import sys
import time

kpki, folder, cases = sys.argv[1], sys.argv[2], sys.argv[3:]
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(folder)
    path = os.path.dirname(kpki) + ":" + os.environ["PATH"]
    environment = {"PATH": path, "TERM": "dumb", "HOME": folder, "PS1": "", "HISTFILE": "/dev/null"}
    os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)

shown = b""


def wait_for(mark):
    """Until the terminal has shown this; what stood in front of it."""
    global shown
    end = time.monotonic() + 30
    while mark not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        if not ready:
            sys.exit(f"waited for {mark!r}, saw {shown!r}")
        shown += os.read(terminal, 4096)
    before, shown = shown.split(mark, 1)
    return before


def send(text):
    os.write(terminal, text)


send(b"bind 'set bell-style none'; bind 'set enable-bracketed-paste off'\n")
send(b"bind 'set completion-query-items 0'; bind 'set page-completions off'\n")
send(b"""bind -x '"\\C-x\\C-p": printf "\\nLINE<%s>END\\n" "$READLINE_LINE"'\n""")
send(b"source <(kpki completions bash); echo re\"\"ady\n")
wait_for(b"ready\r\n")
for case in cases:
    send(b"\x15" + case.encode() + b"\t")
    send(b"\x18\x10")
    wait_for(b"LINE<")
    print(wait_for(b">END").decode(errors="replace"))
send(b"\x15exit\n")
