"""Tests that ssl loads certificates in both forms that it accepts: PEM text and DER bytes."""

from __future__ import annotations

import subprocess

from tests.distribution.conftest import Built, clean_environment

# Uses the certificates in pip, which every Python here includes.
PROGRAM = """\
import re, ssl
import pip._vendor.certifi as certifi
with open(certifi.where(), encoding="utf-8") as file:
    found = re.findall("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", file.read(), re.DOTALL)[:3]
whole = [ssl.PEM_cert_to_DER_cert(text) for text in found]
for data in ("\\n".join(found), whole[0], b"".join(whole), whole[0] + whole[0]):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=data)
    print(context.cert_store_stats()["x509_ca"])
for data in (b"no certificate", whole[0][:-1], whole[0] + whole[1][:-1]):
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=data)
    except ssl.SSLError:
        print("refused")
"""


def test_ssl_loads_certificates_from_text_and_bytes(built: Built) -> None:
    command = [str(built.interpreter), "-I", "-c", PROGRAM]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True)
    assert (done.stderr, done.stdout.split()) == ("", ["3", "1", "3", "1", "refused", "refused", "refused"])
