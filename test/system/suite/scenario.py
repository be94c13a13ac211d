"""One message under one configuration, and all that comes of it: the answer, what the next hops get, the log. The table-driven tests
of rewriting and routing are made of these."""
import re

from . import make, masks
from .smtp import Client, Refused, Sink

HEADER = """From: Joe Doe <joe@example.test>
Sender: joe+list@sub.example.test
Reply-To: (the list) joe+list
To: "Al" <alice@example.test>, bob+x@example.test (Bob)
Cc: <carol@elsewhere.example>
Errors-To: joe@example.test
Subject: alice@example.test
Message-Id: <x@example.net>
Date: Mon, 1 Jan 2024 00:00:00 +0000
"""


class World:
    """A mail system whose mail ends, by whatever transport, in one of two sinks: 127.0.0.1 for all, 127.0.0.2 where a test sends it."""

    def __init__(self, main_cf=None, **options):
        extensions = ["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        self.sinks = [Sink(("127.0.0.%d" % n, 0), extensions=extensions, name="sink%d" % n) for n in (1, 2)]
        self.changed, self.touched = {}, set()
        to_sink = "smtp:" + self.sinks[0].nexthop
        self.base = {
            "relayhost": self.sinks[0].nexthop, "local_transport": to_sink, "virtual_transport": to_sink, "local_recipient_maps": "",
            "smtp_connection_cache_on_demand": "no", "notify_classes": "", "maximal_queue_lifetime": "0", "bounce_queue_lifetime": "0",
            "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination", **(main_cf or {})}
        self.suite = make(main_cf=self.base, **options)

    def __enter__(self):
        self.suite.start()
        return self

    def __exit__(self, *exc):
        self.suite.stop()
        for sink in self.sinks:
            sink.close()

    def configure(self, values):
        """main.cf as the next scenario wants it; {sink1} and {sink2} stand for the next hops. No reload when nothing changes."""
        values = {k: v.replace("{sink1}", self.sinks[0].nexthop).replace("{sink2}", self.sinks[1].nexthop) for k, v in values.items()}
        if values != self.changed:
            self.touched |= self.base.keys() & values.keys()
            self.suite.settings(**{**{k: self.base[k] for k in self.touched}, **values})
        self.changed = values

    def tell(self, values, sender, recipients, more):
        """A scenario of a table: the story of a message under these settings; `more` is deliver()'s."""
        self.configure(values)
        return self.deliver(sender, recipients, **more)

    def deliver(self, sender, recipients, header=HEADER, service="smtp", sendmail=False, mail=""):
        """The story of a message."""
        suite, answers = self.suite, []
        since, before = suite.log_size(), [len(sink.messages) for sink in self.sinks]
        message = header + "\nHello.\n"
        if sendmail:
            done = suite.run("sendmail", "-f", sender, *recipients, input=message.encode())
            answers.append("sendmail: %d" % done.returncode)
            suite.wait_log(r"/pickup\[\d+\]: \w+: uid=", since=since)
        else:
            self._talk(suite, service, sender, recipients, message, mail, answers)
            suite.wait_log("disconnect from", since=since)
        suite.wait_queue_empty()
        suite.sync_log()
        text = ["--- answers", *answers]
        for number, (sink, start) in enumerate(zip(self.sinks, before), 1):
            sink.ended() if sink.sessions else None
            taken = ["%s\n%s" % ("\n".join([m["mail"], *sorted(m["rcpt"])]), m["data"].decode("utf-8", "backslashreplace")) for m in sink.messages[start:]]
            text += ["--- sink %d gets" % number + "\n" + t for t in sorted(taken)]
        text += ["--- log", masks.history(suite.log(since))]
        # Ours says why a table cannot be asked.
        whole = re.sub(r'(lookup error for ".*"|table lookup problem): Application error$', r"\1", "\n".join(text).replace("\r\n", "\n"), flags=re.M)
        return masks.mask(whole)

    @staticmethod
    def _talk(suite, service, sender, recipients, message, mail, answers):
        with Client(suite.address(service)) as client:
            try:
                answers.append("MAIL: " + client.command("MAIL FROM:<%s> %s" % (sender, mail)))
                for recipient in recipients:
                    answers.append("RCPT %s: %s" % (recipient, client.command("RCPT TO:<%s>" % recipient, want="245")))
                if any(": 2" in a for a in answers[1:]):
                    answers.append("DATA: " + client.command("DATA"))
                    client.socket.sendall(message.replace("\n", "\r\n").encode() + b".\r\n")
                    answers.append("END: " + client.reply())
            except Refused as refusal:
                answers.append(str(refusal))
