"""postconf -j: what Debian's 3.10 does not have."""
import json

import pytest

from suite import make

pytestmark = [pytest.mark.root, pytest.mark.extension("postconf -j came with 3.11")]


@pytest.fixture(scope="module")
def suite():
    with make(main_cf={"smtpd_banner": 'a "b" \\c\td é', "relayhost": "[127.0.0.1]:1"},
              master=["x unix - - n - - smtp -o myorigin=q"]) as s:
        yield s


def objects(suite, *options):
    return [json.loads(line) for line in suite.run("postconf", *options).stdout.decode().splitlines()]


def test_parameters_are_an_object_each(suite):
    assert objects(suite, "-j", "relayhost", "smtpd_banner", "mail_name") == [
        {"relayhost": "[127.0.0.1]:1"}, {"smtpd_banner": 'a "b" \\c d é'}, {"mail_name": "Postfix"}]
    names = [line.split(" =")[0] for line in suite.run("postconf", "-n").stdout.decode().splitlines()]
    assert [name for one in objects(suite, "-jn") for name in one] == names


def test_services_are_objects_of_their_columns(suite):
    assert objects(suite, "-Mj", "x") == [{"service": "x", "type": "unix", "private": "-", "unprivileged": "-", "chroot": "n",
                                           "wakeup": "-", "process_limit": "-", "command": "smtp -o myorigin=q"}]
    assert objects(suite, "-Fj", "x/unix/chroot") == [{"x/unix/chroot": "n"}]
    assert objects(suite, "-Pj", "x") == [{"x/unix/myorigin": "q"}]
