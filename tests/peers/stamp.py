"""Stamps the signature of a bundle with the time, as an authority of RFC 3161 does: by `openssl ts`, offline.

    stamp.py FOLDER BUNDLE STAMPED

FOLDER is what `make_ca.py` wrote. A log entry of Rekor's second version carries no time, and a certificate that lives
for minutes means nothing without one.
"""

import base64
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from peer import json_of

CONFIGURATION = """
[tsa]
default_tsa = authority
[authority]
serial = {serial}
signer_digest = sha256
default_policy = 1.3.6.1.4.1.57264.2
digests = sha256
ess_cert_id_alg = sha256
"""


def stamp(tsa: Path, signature: bytes) -> bytes:
    """The token for these bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        data, query, reply, conf, serial = (Path(scratch) / name for name in ("data", "tsq", "tsr", "conf", "serial"))
        data.write_bytes(signature)
        serial.write_text("01\n")
        conf.write_text(CONFIGURATION.format(serial=serial))

        def ts(*arguments: str | Path) -> None:
            done = subprocess.run(["openssl", "ts", *arguments], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"openssl ts {arguments[0]}: {done.stderr}")

        ts("-query", "-config", conf, "-data", data, "-sha256", "-cert", "-out", query)
        signer = ("-signer", tsa / "tsa.pem", "-inkey", tsa / "tsa.key")
        ts("-reply", "-config", conf, "-queryfile", query, *signer, "-out", reply)
        return reply.read_bytes()


def main(folder: str, bundle: str, stamped: str) -> None:
    document = json_of(bundle)
    signature = base64.b64decode(document["dsseEnvelope"]["signatures"][0]["sig"])
    token = base64.b64encode(stamp(Path(folder) / "tsa", signature)).decode()
    times = {"rfc3161Timestamps": [{"signedTimestamp": token}]}
    document["verificationMaterial"]["timestampVerificationData"] = times
    Path(stamped).write_text(json.dumps(document))


if __name__ == "__main__":
    main(*sys.argv[1:])
