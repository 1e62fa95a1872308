"""A passkey in a real browser, with the authenticator that Chromium brings for tests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser

from core.testing.installation import PASSWORD
from core.testing.serving import ServedInstallation


@pytest.mark.timeout(180)
def test_passkey_is_added_and_signs_in(tmp_path: Path, chromium: Browser) -> None:
    installation = ServedInstallation(tmp_path / "instance", PEYVAND_WEB_WORKERS="1")
    # Browsers know passkeys for names only.
    url = f"http://localhost:{installation.port}"
    installation.environ["PEYVAND_PUBLIC_URL"] = url
    with installation:
        installation.client()
        context = chromium.new_context()
        page = context.new_page()
        complaints: list[Any] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        line = context.new_cdp_session(page)
        line.send("WebAuthn.enable")
        kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        options = kind | {"isUserVerified": True, "automaticPresenceSimulation": True}
        line.send("WebAuthn.addVirtualAuthenticator", {"options": options})

        page.goto(f"{url}/sign-in")
        page.fill("#f-email", "administrator@example.com")
        page.fill("#f-password", PASSWORD)
        page.click("form[action=''] button.btn-primary")
        page.goto(f"{url}/profile/two-step")
        page.fill("#f-password", PASSWORD)
        page.click("main button.btn-primary")
        key = page.inner_text(".app-key").replace(" ", "")
        page.fill("#f-code", pyotp.TOTP(key).at(int(time.time())))
        page.click("main button.btn-primary")
        page.wait_for_selector(".recovery-codes")

        page.goto(f"{url}/profile/two-step")
        page.fill("#f-passkey-name", "My laptop")
        page.fill("#f-passkey_password", PASSWORD)
        page.click("[data-nv-passkey=add] button")
        page.wait_for_selector("text=My laptop")
        context.clear_cookies(name="peyvand_session")

        page.goto(f"{url}/sign-in")
        page.click("[data-nv-passkey=enter] button")
        page.wait_for_url(f"{url}/")
        assert complaints == []
        context.close()
