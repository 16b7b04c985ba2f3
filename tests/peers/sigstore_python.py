"""Verifies a certificate bundle with Sigstore's Python client, offline.

    sigstore_python.py BUNDLE TRUSTED_ROOT IDENTITY ISSUER ARTIFACT

This client refuses bundles of plain keys (sigstore-python#1244).
"""

import sys
from pathlib import Path

from peer import about, answer
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy


def verify(bundle: str, trusted_root: str, identity: str, issuer: str, artifact: str) -> dict:
    verifier = Verifier(trusted_root=TrustedRoot.from_file(trusted_root))
    signer = policy.Identity(identity=identity, issuer=issuer)
    kind, payload = verifier.verify_dsse(Bundle.from_json(Path(bundle).read_text(encoding="utf-8")), signer)
    if kind != "application/vnd.in-toto+json":
        raise ValueError(f"the envelope holds {kind}")
    return about("sigstore-python", payload, Path(artifact).read_bytes())


if __name__ == "__main__":
    answer(verify, sys.argv[1:])
