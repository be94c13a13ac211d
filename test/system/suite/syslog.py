"""A syslog daemon: writes what comes to its socket into a file, as rsyslog does with Debian's settings."""
import os
import re
import socket
import threading

# The priority, the time, then the rest: "<22>Nov 27 12:00:00 postfix/smtpd[1]: connect from ..."
LINE = re.compile(rb"<\d+>(\w{3} [ \d]\d \d\d:\d\d:\d\d) (.*?)[\0\n]*\Z", re.S)
HOST = b"mail"


class Syslog:
    def __init__(self, path, file):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.file = open(file, "ab", buffering=0)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            data = self.socket.recv(65536)
            if not data:
                return
            m = LINE.match(data)
            self.file.write(b"%s %s %s\n" % (m.group(1), HOST, m.group(2)) if m else b"? %r\n" % data)

    def close(self):
        self.socket.shutdown(socket.SHUT_RD)
        self.thread.join(10)
        self.socket.close()
        self.file.close()
