"""Over https the connection goes to the checked address, and the certificate has to be the name's."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.notices.receiver import LOCAL
from triage.notices.sending import send

NAME = "hooks.test"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a certificate for the name, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(("host", "arrives"), [(NAME, True), ("other.test", False), (LOCAL, False)])
async def test_the_certificate_has_to_be_the_name_s(certificate: Path, host: str, arrives: bool) -> None:
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: names.append(name)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    async def resolve(host: str, port: int) -> list[str]:
        return [LOCAL]

    trusting = ssl.create_default_context(cafile=str(certificate))
    server = await asyncio.start_server(answer, LOCAL, 0, ssl=context)
    async with server, httpx2.AsyncClient(verify=trusting, trust_env=False) as client:
        url = f"https://{host}:{server.sockets[0].getsockname()[1]}/hook"
        outcome = await send(client, url, body=b"{}", headers={}, allow=[host], resolve=resolve)
    assert (outcome.error is None) is arrives, outcome
    assert names == ([None] if host == LOCAL else [host])
