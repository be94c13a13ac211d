"""Transports of one program, each with settings of its own: one instance serves them all, and a recipient NAME@anywhere goes by NAME."""
import contextlib
import re

from . import masks
from .smtp import Silent


def master_lines(program, transports):
    """{name: settings} as lines for master.cf."""
    return ["%s unix - - n - - %s" % (name, program) + "".join("\n  -o { %s = %s }" % setting for setting in settings.items())
            for name, settings in transports.items()]


@contextlib.contextmanager
def silent_servers(rows):
    """{name: (the verb after which it is silent, the replies before it)}: servers by name."""
    with contextlib.ExitStack() as stack:
        servers = {name: Silent(verb, replies) for name, (verb, replies) in rows.items()}
        for server in servers.values():
            stack.enter_context(server.server)
        yield servers


def told(suite, since):
    """The log of one message, when all is told, and no mail is left behind."""
    suite.wait_status(since)
    suite.wait_log("disconnect from", since=since)
    log = masks.history(re.sub(r"\bsize=\d+", "size=0", suite.log(since)))
    suite.delete_all()
    suite.sync_log()
    return log
