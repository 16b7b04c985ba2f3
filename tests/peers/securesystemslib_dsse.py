"""Verifies the DSSE envelope of a keyed bundle with securesystemslib, offline.

    securesystemslib_dsse.py BUNDLE PUBLIC_KEY ARTIFACT

It knows nothing of logs: what it shows is that the envelope alone carries the signature. BUNDLE may be the plain
envelope too.
"""

import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from peer import about, answer, json_of
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey


def verify(bundle: str, public_key: str, artifact: str) -> dict:
    document = json_of(bundle)
    signed = document.get("dsseEnvelope", document)
    for signature in signed["signatures"]:
        # DSSE lets it be absent; this library does not.
        signature.setdefault("keyid", "")
    key = SSlibKey.from_crypto(load_pem_public_key(Path(public_key).read_bytes()))
    # The library looks keys up by the envelope's own hint, and makes up another id for this one.
    keys = [SSlibKey(s["keyid"], key.keytype, key.scheme, key.keyval) for s in signed["signatures"]]
    envelope = Envelope.from_dict(signed)
    envelope.verify(keys, 1)
    return about("securesystemslib", envelope.payload, Path(artifact).read_bytes())


if __name__ == "__main__":
    answer(verify, sys.argv[1:])
