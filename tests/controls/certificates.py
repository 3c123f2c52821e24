"""Certificates for servers of tests: an authority, and what it has signed."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HERE = "127.0.0.1"


class Authority:
    """Whoever signs; its own certificate is in `file`, and what it signs in files of the folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._key, self._folder, self._name = ec.generate_private_key(ec.SECP256R1()), folder, _name(name)
        made = self._certificate(self._name, self._key, datetime.now(UTC) + timedelta(days=1))
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        signed = made.add_extension(constraints, critical=True).add_extension(usage, critical=True)
        self.file = _write(folder / f"{name}.pem", signed.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def signs(self, name: str, *, until: timedelta = timedelta(hours=1)) -> tuple[Path, Path]:
        """A server's certificate for a host or an address, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._certificate(_name(name), key, datetime.now(UTC) + until)
        # A MariaDB's connector looks an address up, and compares the name.
        here = [x509.IPAddress(ip_address(HERE)), x509.DNSName("localhost")]
        names = here if name == HERE else [x509.DNSName(name)]
        signed = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = signed.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return _write(self._folder / "server.pem", certificate), _write(self._folder / "server.key", secret)

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, until: datetime
    ) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=until - timedelta(days=2),
            not_valid_after=until,
        )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _write(path: Path, text: bytes) -> Path:
    path.write_bytes(text)
    path.chmod(0o600 if path.suffix == ".key" else 0o644)
    return path
