"""What testssl.sh says of smtpd's TLS: nothing that it finds wrong with ours and not with Postfix's, and no known weakness."""
import pytest

from suite import clients, make, tls
from suite.tls import certificates

pytestmark = [pytest.mark.root, pytest.mark.expensive]


def test_no_weakness():
    with make(main_cf=tls.SETTINGS, files=certificates().files()) as suite:
        found = clients.testssl(suite.smtp[1], "--protocols", "--vulnerable")
    weak = {name: what for name, what in found.items() if what[0] in ("HIGH", "CRITICAL", "FATAL", "WARN") and name != "engine_problem"}
    assert not weak, weak
    assert found["TLS1_3"][0] == "OK" and found["TLS1_2"][0] == "OK" and found["SSLv2"][0] == found["SSLv3"][0] == "OK", found
    for name in ("heartbleed", "CCS", "ROBOT", "secure_renego", "POODLE_SSL", "SWEET32", "FREAK", "DROWN", "LOGJAM", "RC4"):
        assert found[name][0] == "OK", (name, found[name])
