"""smtp_pix_workarounds: what is done for a PIX firewall in front of the server, which shows by stars in the greeting. A recipient
x@NAME.via goes by transport mx-NAME, with settings of its own, to a server whose greeting is the case's."""
import contextlib
import re
import socket
import threading
import time

import pytest

from suite import make, masks
from suite.golden import golden
from suite.smtp import Sink, send

pytestmark = pytest.mark.root

STARS = "220 ************************************"
NOW = {"smtp_pix_workaround_threshold_time": "0", "smtp_pix_workaround_delay_time": "1s"}
LMTP = {"lmtp_pix_workaround_threshold_time": "0", "lmtp_pix_workaround_delay_time": "1s"}
MAPS = "static:{disable_esmtp}"
# transport: (settings, greeting)
CASES = {
    "plain": (NOW, "220 sink.example.net ESMTP sink"),
    "both": (NOW, STARS),
    "defaults": ({}, STARS),
    "threshold": ({**NOW, "smtp_pix_workaround_threshold_time": "1h"}, STARS),
    "none": ({**NOW, "smtp_pix_workarounds": ""}, STARS),
    "esmtp": ({**NOW, "smtp_pix_workarounds": "disable_esmtp"}, STARS),
    "dot": ({**NOW, "smtp_pix_workarounds": "DELAY_dotcrlf"}, STARS),
    "dot-threshold": ({"smtp_pix_workarounds": "delay_dotcrlf"}, STARS),
    "commas": ({**NOW, "smtp_pix_workarounds": "delay_dotcrlf,disable_esmtp"}, STARS),
    "unknown": ({**NOW, "smtp_pix_workarounds": "disable_all"}, STARS),
    "maps": ({**NOW, "smtp_pix_workaround_maps": "inline:{{127.0.0.1=disable_esmtp}}"}, STARS),
    "maps-other": ({**NOW, "smtp_pix_workaround_maps": "inline:{{127.0.0.9=disable_esmtp}, {sink.example.net=disable_esmtp}}"}, STARS),
    "maps-unknown": ({**NOW, "smtp_pix_workaround_maps": "static:nonsense"}, STARS),
    "maps-fail": ({**NOW, "smtp_pix_workaround_maps": "fail:now"}, STARS),
    "maps-fail-plain": ({**NOW, "smtp_pix_workaround_maps": "fail:now"}, "220 sink.example.net ESMTP sink"),
    "with-two": (NOW, "220 **************0**2****** *2*00 "),
    "few-stars": (NOW, "220 ***"),
    "one-star": (NOW, "220 *"),
    "stars-and-word": (NOW, "220 ********** ESMTP"),
    "word-and-stars": (NOW, "220 mx **********"),
    "only-two": (NOW, "220 2020"),
    "empty": (NOW, "220 "),
    "dashes": (NOW, "220 --------------"),
    "lines": (NOW, "220-**********\n220 *****"),
    "lines-word": (NOW, "220-**********\n220 word"),
    "lines-word-first": (NOW, "220-word\n220 **********"),
    "always": ({**NOW, "smtp_always_send_ehlo": "no"}, STARS),
    "never": ({**NOW, "smtp_never_send_ehlo": "yes"}, STARS),
    "lmtp": (LMTP, STARS),
    "lmtp-dot": ({**LMTP, "lmtp_pix_workarounds": "delay_dotcrlf"}, STARS),
    "lmtp-maps": ({**LMTP, "lmtp_pix_workaround_maps": "inline:{{127.0.0.1=delay_dotcrlf}}"}, STARS),
}


@pytest.fixture(scope="module")
def world():
    with contextlib.ExitStack() as stack:
        sinks = {name: stack.enter_context(Sink(answers={"CONNECT": case[1]}, lmtp=name.startswith("lmtp"))) for name, case in CASES.items()}
        main_cf = {"transport_maps": "texthash:/etc/postfix/transport", "notify_classes": "", "smtp_connection_cache_on_demand": "no"}
        master = ["mx-%s unix - - n - - %s" % (name, "lmtp" if name.startswith("lmtp") else "smtp") + "".join("\n  -o { %s = %s }" % kv for kv in case[0].items())
                  for name, case in CASES.items()]
        table = "".join("%s.via mx-%s:%s\n" % (name, name, sinks[name].nexthop.strip() if not name.startswith("lmtp") else "inet:127.0.0.1:%d" % sinks[name].address[1])
                        for name in CASES) + "example.net discard:\n"
        with make(main_cf=main_cf, master=master, files={"/etc/postfix/transport": table}) as s:
            yield s, sinks


@pytest.mark.parametrize("name", CASES)
def test_workarounds(world, name):
    suite, sinks = world
    since = suite.log_size()
    send(suite, "joe@example.net", "x@%s.via" % name, "Subject: test\nMessage-Id: <x@example.net>\n\nHello.\n")
    suite.wait_status(since)
    suite.wait_log("disconnect from", since=since)
    delay = re.search(r"delays=[^/]+/[^/]+/[^/]+/([\d.]+)", suite.log(since))
    log = masks.history(suite.log(since)).split("cleanup: ", 1)[1].replace(":%d" % sinks[name].address[1], ":{port}")
    suite.delete_all()
    verbs = [line.split(" ")[0] for line in sinks[name].ended()[-1]]
    golden("pix_" + name.replace("-", "_"), log + "said: %s\n" % " ".join(verbs) + "delay: %s\n" % ("yes" if float(delay.group(1)) >= 0.9 else "no"))
