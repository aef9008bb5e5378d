"""Only whom it should, the server lets in."""

import pytest

from lightstyle.service.guard import COOKIE, is_loopback
from tests.lightstyle.service.conftest import Apps
from tests.support.serving import QUICK, form

TOKEN, OTHER = "0123456789abcdef", "fedcba9876543210"
LOCAL = "http://127.0.0.1:8765"


@pytest.mark.parametrize(
    ("host", "bound", "welcome"),
    [
        ("127.0.0.1:8765", "127.0.0.1", True),
        ("localhost", "127.0.0.1", True),
        ("LOCALHOST:1", "127.0.0.1", True),
        ("[::1]:8765", "127.0.0.1", True),
        ("127.0.0.1.evil.com", "127.0.0.1", False),
        ("evil.com", "127.0.0.1", False),
        ("localhost.evil.com:8765", "127.0.0.1", False),
        ("user@localhost", "127.0.0.1", False),
        ("localhost/x", "127.0.0.1", False),
        ("localhost:x", "127.0.0.1", False),
        ("", "127.0.0.1", False),
        ("192.168.1.5", "127.0.0.1", False),
        ("192.168.1.5:8765", "0.0.0.0", True),
        ("evil.com", "0.0.0.0", False),
        ("pictures.example.org", "0.0.0.0", True),
        ("Studio.local", "studio.local", True),
    ],
)
def test_a_name_that_is_not_ours_is_refused(
    apps: Apps, host: str, bound: str, welcome: bool
) -> None:
    app = apps(host=bound, names=("pictures.example.org",))
    answer = app.client.get("/v1/limits", headers={"Host": host})
    assert answer.status_code == (200 if welcome else 400)
    if not welcome:
        assert answer.json()["code"] == "host"


@pytest.mark.parametrize(
    ("headers", "welcome"),
    [
        ({}, True),
        ({"Origin": LOCAL}, True),
        ({"Origin": "https://127.0.0.1:8765"}, True),  # behind a proxy with TLS
        ({"Origin": "null"}, False),
        ({"Origin": "http://evil.com"}, False),
        ({"Origin": "http://127.0.0.1:9999"}, False),
        ({"Origin": "http://127.0.0.1:8765.evil.com"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": LOCAL}, False),
    ],
)
@pytest.mark.parametrize("token", [None, TOKEN])
def test_changes_come_from_this_site_or_from_programs(
    apps: Apps, headers: dict[str, str], welcome: bool, token: str | None
) -> None:
    app = apps(tokens=(TOKEN,) if token else ())
    if token:
        headers = {**headers, "Authorization": f"Bearer {token}"}
    for method, path in (("POST", "/v1/jobs/x/cancel"), ("DELETE", "/v1/jobs/x")):
        answer = app.client.request(method, path, headers=headers)
        assert answer.status_code == (404 if welcome else 403)
    assert app.client.get("/v1/limits", headers=headers).status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/v1/jobs", "/v1/limits", "/v1/settings", "/metrics", "/openapi.json"]
)
def test_a_token_is_needed_once_there_is_one(apps: Apps, path: str) -> None:
    app = apps(tokens=(TOKEN, OTHER))
    for wrong in ("", "Bearer no", f"Basic {TOKEN}"):
        answer = app.client.get(path, headers={"Authorization": wrong})
        assert (answer.status_code, answer.json()["code"]) == (401, "token")
        assert answer.headers["www-authenticate"] == "Bearer"
    for token in (TOKEN, OTHER):
        given = {"Authorization": f"Bearer {token}"}
        assert app.client.get(path, headers=given).status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/page/main.js"])
def test_the_page_and_signs_of_life_need_no_token(apps: Apps, path: str) -> None:
    assert apps(tokens=(TOKEN,)).client.get(path).status_code == 200


def test_the_page_gets_a_cookie_for_the_token(apps: Apps) -> None:
    app = apps(tokens=(TOKEN,))
    wrong = app.client.post("/v1/session", json={"token": "wrong"})
    assert wrong.status_code == 401
    answer = app.client.post("/v1/session", json={"token": TOKEN})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"]
    assert COOKIE in cookie
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert app.client.get("/v1/limits").status_code == 200
    assert app.client.delete("/v1/session").status_code == 204
    assert app.client.get("/v1/limits").status_code == 401


@pytest.mark.parametrize("token", ["\U0003a8e3" * 20, "a\nb", 5, None, "x" * 1001])
@pytest.mark.parametrize("tokens", [(), (TOKEN,)])
def test_a_token_that_no_cookie_can_hold_is_refused(
    apps: Apps, token: object, tokens: tuple[str, ...]
) -> None:
    answer = apps(tokens=tokens).client.post("/v1/session", json={"token": token})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.usefixtures("folder")
def test_clients_do_not_see_each_other(apps: Apps) -> None:
    app = apps(tokens=(TOKEN, OTHER))
    mine, theirs = ({"Authorization": f"Bearer {each}"} for each in (TOKEN, OTHER))
    id_ = app.client.post("/v1/jobs", headers=mine, **form(QUICK)).json()["id"]
    assert app.client.get(f"/v1/jobs/{id_}", headers=mine).status_code == 200
    assert app.client.get(f"/v1/jobs/{id_}", headers=theirs).status_code == 404
    assert app.client.delete(f"/v1/jobs/{id_}", headers=theirs).status_code == 404
    assert app.client.get("/v1/jobs", headers=theirs).json()["jobs"] == []
    again = app.client.post("/v1/jobs", headers=theirs, **form(QUICK, (), again=id_))
    assert again.status_code == 422


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("127.0.0.1.evil.com", False),
        ("192.168.1.5", False),
    ],
)
def test_only_this_machine_reaches_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) == local
