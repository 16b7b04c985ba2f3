"""Makes what a certificate bundle is checked against, for one run: a private CA with a certificate for a given key, a
certificate transparency log that has seen it, and an authority that stamps times.

    make_ca.py PUBLIC_KEY IDENTITY ISSUER TRUSTED_ROOT FOLDER

PUBLIC_KEY is the PEM of a P-256 key, IDENTITY an e-mail address or a URI, ISSUER the URL of who vouched for it, and
TRUSTED_ROOT the document that names our log. Written to FOLDER, which is made: `leaf.pem` and `leaf.der`, the
certificate; `trusted_root.json`, with the three authorities added; `tsa`, what `stamp.py` needs. The CA's own key and
the log's are forgotten.
"""

import base64
import hashlib
import json
import struct
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from peer import json_of

NOW = datetime.now(UTC).replace(microsecond=0)
# Clocks are the same machine's; a minute covers that times are cut to seconds.
BEFORE = NOW - timedelta(minutes=1)
# Fulcio's certificates live as long.
LEAF_UNTIL = NOW + timedelta(minutes=10)
AUTHORITY_UNTIL = NOW + timedelta(days=1)

# Fulcio's extensions: who vouched, as bare text and as a DER string.
ISSUER_V1 = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
ISSUER_V2 = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
EMBEDDED_SCTS = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


def spki(key) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def name(common: str) -> x509.Name:
    parts = [(NameOID.ORGANIZATION_NAME, "certus.example"), (NameOID.COMMON_NAME, common)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def usage(*granted: str) -> x509.KeyUsage:
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{bit: bit in granted for bit in every})


def certificate(subject, key, until, issuer, issuer_key, extensions) -> x509.Certificate:
    """A certificate of `issuer`, or of the key itself when that is `subject` too."""
    authority = issuer_key.public_key()
    builder = (
        x509.CertificateBuilder(issuer_name=issuer, subject_name=subject, public_key=key)
        .serial_number(int.from_bytes(hashlib.sha256(spki(key)).digest()[:19]))
        .not_valid_before(BEFORE)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def tls(length: str, data: bytes) -> bytes:
    """A vector of TLS: its length, then itself."""
    return struct.pack(f">{length}", len(data)) + data


def embedded_sct(unlogged: x509.Certificate, issuer_key, log_key) -> x509.UnrecognizedExtension:
    """The log's promise (RFC 6962, 3.2) for a certificate that has none yet."""
    version, kind, precertificate = b"\0", b"\0", b"\0\1"
    time = struct.pack(">Q", int(NOW.timestamp() * 1000))
    tbs = unlogged.tbs_certificate_bytes
    issuer = hashlib.sha256(spki(issuer_key.public_key())).digest()
    signed = version + kind + time + precertificate + issuer + len(tbs).to_bytes(3) + tbs + tls("H", b"")
    signature = log_key.sign(signed, ec.ECDSA(hashes.SHA256()))
    log = hashlib.sha256(spki(log_key.public_key())).digest()
    sha256_ecdsa = b"\4\3"
    sct = version + log + time + tls("H", b"") + sha256_ecdsa + tls("H", signature)
    return x509.UnrecognizedExtension(EMBEDDED_SCTS, octets(tls("H", tls("H", sct))))


def octets(data: bytes, tag: int = 0x04) -> bytes:
    """A string of DER, shorter than 64 KiB."""
    length = len(data)
    head = bytes([length]) if length < 0x80 else bytes([0x81, length]) if length < 0x100 else b"\x82" + length.to_bytes(2)
    return bytes([tag]) + head + data


def leaf_for(public_key, identity: str, vouched: str, ca: x509.Certificate, ca_key, log_key) -> x509.Certificate:
    who = x509.UniformResourceIdentifier(identity) if "://" in identity else x509.RFC822Name(identity)
    extensions = [
        (usage("digital_signature"), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False),
        # Critical because the subject is empty, as Fulcio's is.
        (x509.SubjectAlternativeName([who]), True),
        (x509.UnrecognizedExtension(ISSUER_V1, vouched.encode()), False),
        (x509.UnrecognizedExtension(ISSUER_V2, octets(vouched.encode(), tag=0x0C)), False),
    ]

    def of(extensions):
        return certificate(x509.Name([]), public_key, LEAF_UNTIL, ca.subject, ca_key, extensions)

    return of([*extensions, (embedded_sct(of(extensions), ca_key, log_key), False)])


def authority(chain: list[x509.Certificate], uri: str) -> dict:
    return {
        "subject": {"organization": "certus.example", "commonName": uri},
        "uri": uri,
        "certChain": {"certificates": [{"rawBytes": b64(der(link))} for link in chain]},
        "validFor": {"start": BEFORE.strftime("%Y-%m-%dT%H:%M:%SZ")},
    }


def main(public_key: str, identity: str, vouched: str, trusted_root: str, folder: str) -> None:
    out = Path(folder)
    tsa_folder = out / "tsa"
    tsa_folder.mkdir(parents=True)
    ca_key, log_key, tsa_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))

    root = [(x509.BasicConstraints(ca=True, path_length=0), True), (usage("key_cert_sign", "crl_sign"), True)]
    ca = certificate(name("ca"), ca_key.public_key(), AUTHORITY_UNTIL, name("ca"), ca_key, root)
    # A tool that stamps refuses a certificate that may do anything else.
    stamps = [
        (usage("digital_signature"), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True),
    ]
    tsa = certificate(name("tsa"), tsa_key.public_key(), AUTHORITY_UNTIL, ca.subject, ca_key, stamps)
    key = serialization.load_pem_public_key(Path(public_key).read_bytes())
    leaf = leaf_for(key, identity, vouched, ca, ca_key, log_key)

    pem = serialization.Encoding.PEM
    (out / "leaf.pem").write_bytes(leaf.public_bytes(pem))
    (out / "leaf.der").write_bytes(der(leaf))
    (tsa_folder / "tsa.pem").write_bytes(tsa.public_bytes(pem))
    plain = serialization.NoEncryption()
    (tsa_folder / "tsa.key").write_bytes(tsa_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))

    ct_key = spki(log_key.public_key())
    ctlog = {
        "baseUrl": "https://ct.certus.example",
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": b64(ct_key),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": BEFORE.strftime("%Y-%m-%dT%H:%M:%SZ")},
        },
        "logId": {"keyId": b64(hashlib.sha256(ct_key).digest())},
    }
    trusted = json_of(trusted_root)
    trusted["certificateAuthorities"] = [authority([ca], "https://ca.certus.example")]
    trusted["ctlogs"] = [ctlog]
    trusted["timestampAuthorities"] = [authority([tsa, ca], "https://tsa.certus.example")]
    (out / "trusted_root.json").write_text(json.dumps(trusted, indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
