"""Variable envelope return paths: each recipient sees a sender that names it, and so does the notice about it."""
import re

import pytest

from suite import make
from suite.smtp import Sink

pytestmark = pytest.mark.root


def test_verp():
    with Sink(answers={"RCPT TO:<no": "550 5.1.1 nobody here"}) as sink, make(main_cf={
            "relayhost": sink.nexthop, "virtual_alias_domains": "alias.example", "notify_classes": "bounce",
            "virtual_alias_maps": "inline:{ {both@alias.example=one@remote.example,two@remote.example} {none@alias.example=no@remote.example} }"}) as suite:
        suite.sh("echo test | sendmail -XV -f list@sender.example alice ok@remote.example no1@remote.example '\"a b\"@remote.example' "
                 "both@alias.example none@alias.example")
        assert b"Return-Path: <list+alice@sender.example>\n" in suite.messages("alice", 1)[0]
        suite.wait_queue_empty()
        mail = sorted((re.match("MAIL FROM:<(.*?)> ", m["mail"]).group(1), *[re.match("RCPT TO:<(.*?)>", r).group(1) for r in m["rcpt"]])
                      for m in sink.messages)
        assert mail == sorted([
            ('"list+a b=remote.example"@sender.example', '"a b"@remote.example'),
            ("", "list+no1=remote.example@sender.example"),
            ("", "list+none=alias.example@sender.example"),
            ("list+both=alias.example@sender.example", "one@remote.example"),
            ("list+both=alias.example@sender.example", "two@remote.example"),
            ("list+ok=remote.example@sender.example", "ok@remote.example")])
        about = {m["rcpt"][0].split(">")[0]: re.findall(rb"(?m)^Final-Recipient: rfc822; (.*?)\r$", m["data"]) for m in sink.messages}
        assert about["RCPT TO:<list+no1=remote.example@sender.example"] == [b"no1@remote.example"]
        assert about["RCPT TO:<list+none=alias.example@sender.example"] == [b"no@remote.example"]
        assert len(suite.wait_log("sender non-delivery notification", count=2)) == 2
        assert len(suite.wait_log("postmaster non-delivery notification", count=2)) == 2


@pytest.mark.parametrize("is_off", [False, True], ids=["each", "disabled"])
def test_disable_verp_bounces(is_off):
    """With it, one notice tells of all, and goes to the list itself; the sender that each recipient sees stays his."""
    with Sink(answers={"RCPT TO:<no": "550 5.1.1 nobody here"}) as sink, make(main_cf={
            "relayhost": sink.nexthop, "notify_classes": "", "disable_verp_bounces": "yes" if is_off else "no"}) as suite:
        suite.sh("echo test | sendmail -XV -f list@sender.example no1@remote.example no2@remote.example ok@remote.example")
        suite.wait_queue_empty()
        notices = sorted((re.match("RCPT TO:<(.*?)>", m["rcpt"][0]).group(1), sorted(re.findall(rb"(?m)^Final-Recipient: rfc822; (.*?)\r$", m["data"])))
                         for m in sink.messages if m["mail"].startswith("MAIL FROM:<> "))
        no1, no2 = b"no1@remote.example", b"no2@remote.example"
        assert notices == ([("list@sender.example", [no1, no2])] if is_off else
                           [("list+no1=remote.example@sender.example", [no1]), ("list+no2=remote.example@sender.example", [no2])])
        assert [m["mail"].split(">")[0] for m in sink.messages if "ok@" in m["rcpt"][0]] == ["MAIL FROM:<list+ok=remote.example@sender.example"]
