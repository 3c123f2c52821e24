"""The certificates of a PEM file as Java wants them."""

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

from orders.errors import StartError

PASSWORD: Final = "milepost"  # noqa: S105 (it protects what is public; Java wants one)


def truststore(ca: Path, target: Path) -> None:
    """Write all certificates of the PEM file `ca` into a PKCS 12 file that a Java machine trusts. Raises StartError."""
    try:
        found = x509.load_pem_x509_certificates(ca.read_bytes())
    except (OSError, ValueError) as error:
        raise StartError(f"tls_ca: {ca} cannot be read as certificates in PEM form ({error})") from None
    named = [PKCS12Certificate(each, str(number).encode()) for number, each in enumerate(found)]
    target.write_bytes(serialize_java_truststore(named, BestAvailableEncryption(PASSWORD.encode())))
