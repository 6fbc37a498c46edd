"""Which options are safe."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from rtaction.errors import UsageError
from rtaction.serve.web.options import WebOptions, read_token
from rtaction.serve.web.server import WebServer
from tests.serve.fake_house import FakeHouse
from tests.serve.web.conftest import TOKEN, Serve


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"host": "0.0.0.0"}, "--token-env"),
        ({"host": "192.168.1.5"}, "a token as well"),
        ({"host": "::"}, "a token as well"),
        ({"host": "cams.example"}, "a token as well"),
        ({"token": "short"}, "at least 16 characters, got 5"),
        ({"token": "with a space and so on"}, "without spaces"),
        ({"port": 70_000}, "from 0 to 65535"),
        ({"allowed_hosts": ("https://x.example",)}, "a name without scheme"),
        ({"allowed_origins": ("home.example",)}, "scheme, name"),
        ({"allowed_origins": ("https://home.example/",)}, "scheme, name"),
        ({"trusted_proxies": ("home.example",)}, "an address or a network"),
        ({"tls_key": Path("key.pem")}, "--tls-cert"),
        ({"tls_cert": Path("none.pem")}, "none.pem cannot be used: No such file"),
    ],
)
def test_what_is_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        WebOptions(**options)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost", "::1"])
def test_this_machine_needs_no_token(host: str) -> None:
    assert WebOptions(host=host).is_loopback


def test_a_token_is_not_shown() -> None:
    assert TOKEN not in repr(WebOptions(token=TOKEN))


def test_where_the_token_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMS_TOKEN", f" {TOKEN}\n")
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert read_token("CAMS_TOKEN", None) == read_token(None, file) == TOKEN
    assert read_token(None, None) is None
    with pytest.raises(UsageError, match="got both"):
        read_token("CAMS_TOKEN", file)
    with pytest.raises(UsageError, match="variable NO_SUCH is not set"):
        read_token("NO_SUCH", None)
    with pytest.raises(UsageError) as refused:
        read_token("my-secret-itself", None)
    assert "my-secret-itself" not in str(refused.value)
    with pytest.raises(UsageError, match="cannot be read"):
        read_token(None, tmp_path / "none")


def test_a_port_that_is_taken(serve: Serve, house: FakeHouse) -> None:
    taken = serve().port
    with pytest.raises(UsageError, match=f"port {taken}.*choose another with --port"):
        WebServer(house, WebOptions(port=taken))


def test_another_address_with_a_token(serve: Serve) -> None:
    server = serve(WebOptions(host="0.0.0.0", port=0, token=TOKEN))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for host, status in (("192.168.1.5:8090", 200), ("evil.example", 403)):
        url = f"http://127.0.0.1:{server.port}/api/cameras"
        answer = httpx.get(url, headers={**headers, "Host": host}, trust_env=False)
        assert answer.status_code == status


def test_over_tls(serve: Serve, tmp_path: Path) -> None:
    cert, key = _certificate(tmp_path)
    server = serve(WebOptions(port=0, token=TOKEN, tls_cert=cert, tls_key=key))
    assert server.url.startswith("https://")
    answer = httpx.post(f"{server.url}login", data={"token": TOKEN}, verify=False, trust_env=False)
    assert "Secure" in answer.headers["Set-Cookie"]


def _certificate(folder: Path) -> tuple[Path, Path]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    made = subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
            ),
            *("-nodes", "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(cert)),
        ],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("no openssl")
    return cert, key
