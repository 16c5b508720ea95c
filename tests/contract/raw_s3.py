"""The sloppiest S3 service: it keeps request bodies byte for byte, whatever they are encoded with.

boto3 over TLS sends bodies with a trailing checksum, in chunks with their lengths between (aws-chunked): this server
keeps that framing inside the object, as some real ones do (boto3#4435). It records the requests for tests to look at.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit


class Request(NamedTuple):
    method: str
    target: str
    headers: dict[str, str]


class RawS3(ThreadingHTTPServer):
    """`frames`: put framing around every body by itself, and say in HEAD that all is as it was sent.

    `forgets_uploads`: completes an upload, but says that there is none: what a retry hears whose first answer got lost.
    Listings tell everything, whatever prefix was asked for.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.frames = False
        self.forgets_uploads = False
        self.requests: list[Request] = []
        self.objects: dict[str, bytes] = {}
        self.claimed: dict[str, int] = {}
        self.scheme = "http"

    @property
    def endpoint(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def use_tls(self, folder: Path) -> Path:
        """Speaks TLS from now on; returns the certificate to trust."""
        certificate = _certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.scheme = "https"
        return certificate


@contextmanager
def raw_s3(tls_folder: Path | None = None) -> Iterator[tuple[RawS3, Path | None]]:
    with RawS3() as server:
        certificate = server.use_tls(tls_folder) if tls_folder else None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server, certificate
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RawS3

    def do_PUT(self) -> None:
        body = self._body()
        name = self._name()
        self.server.claimed[name] = len(body)
        if self.server.frames:
            body = b"%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n" % (len(body), body)
        self.server.objects[name] = body
        self._answer(200, ETag=f'"{hashlib.md5(body).hexdigest()}"')

    def do_POST(self) -> None:
        self._body()
        if self.path.endswith("?uploads"):
            return self._answer(200, b"<R><UploadId>u1</UploadId></R>")
        name = self._name()
        parts = [part for part in self.server.objects if part.startswith(f"{name}?partNumber=")]
        parts.sort(key=lambda part: int(part.rpartition("=")[2]))
        self.server.claimed[name] = sum(self.server.claimed.pop(part) for part in parts)
        self.server.objects[name] = b"".join(self.server.objects.pop(part) for part in parts)
        if self.server.forgets_uploads:
            return self._answer(404, b"<Error><Code>NoSuchUpload</Code></Error>")
        return self._answer(200, b"<R><ETag>&quot;e-2&quot;</ETag></R>")

    def do_GET(self) -> None:
        query = urlsplit(self.path).query
        if "uploads" in query or "list-type" in query:
            return self._list("Upload" if "uploads" in query else "Contents")
        body = self.server.objects.get(self._name())
        return self._answer(404 if body is None else 200, body or b"", ETag='"e"')

    def _list(self, element: str) -> None:
        names = [name.removeprefix("/b/") for name in self.server.objects]
        date = "2026-11-24T00:00:00Z"
        more = f"<UploadId>u1</UploadId><Initiated>{date}</Initiated><Size>1</Size><LastModified>{date}</LastModified>"
        items = "".join(f"<{element}><Key>{name}</Key>{more}</{element}>" for name in names)
        self._answer(200, f"<R>{items}</R>".encode())

    def do_HEAD(self) -> None:
        size = self.server.claimed.get(self._name()) if self.server.frames else None
        body = self.server.objects.get(self._name())
        self._answer(404 if body is None else 200, body or b"", size=size, ETag='"e-2"')

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._name(), None)
        self._answer(204)

    def _name(self) -> str:
        """The path, and the number of the part; other parameters differ from upload to upload."""
        url = urlsplit(self.path)
        number = parse_qs(url.query).get("partNumber")
        return f"{url.path}?partNumber={number[0]}" if number else url.path

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, body: bytes = b"", size: int | None = None, **headers: str) -> None:
        self.server.requests.append(Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body) if size is None else size))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


def _certificate(folder: Path) -> Path:
    """A certificate of its own for 127.0.0.1, and its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dbops tests")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).add_extension(address, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
        now + datetime.timedelta(days=1)
    )
    certificate = builder.sign(key, hashes.SHA256())
    pem, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_password)
    )
    return path
