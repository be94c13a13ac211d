"""A command on a terminal: its standard input, output and error are one, as when a person has started it."""
import fcntl
import os
import pty
import select
import subprocess
import termios
import time


def run(started, typed, timeout):
    """(exit code, text shown). The terminal does not echo, and shows line ends as they are."""
    ours, its = pty.openpty()
    settings = termios.tcgetattr(its)
    settings[1] &= ~termios.OPOST
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(its, termios.TCSANOW, settings)
    process = subprocess.Popen(**started, stdin=its, stdout=its, stderr=its, start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(its)
    shown = b""
    deadline = time.monotonic() + timeout
    os.write(ours, typed)
    try:
        while select.select([ours], [], [], max(0, deadline - time.monotonic()))[0]:
            try:
                data = os.read(ours, 65536)
            except OSError:                # EIO: nobody has the terminal open any more
                break
            if not data:
                break
            shown += data
        else:
            raise subprocess.TimeoutExpired(started["args"], timeout, shown)
        return process.wait(timeout), shown.decode("utf-8", "backslashreplace")
    finally:
        os.close(ours)
        if process.poll() is None:
            process.kill()
            process.wait()
