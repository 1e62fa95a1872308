"""A provider of OpenID Connect that really runs: Authlib's own server, over HTTP, in a thread.

It checks what a provider checks: the client's secret, the address to go back to, the PKCE verifier, that a code is used
once. ``tamper`` changes claims before they are signed; ``sign`` signs them otherwise.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Self

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "peyvand", "secret of the client"


class Person:
    """Who is signed in at the provider."""

    def __init__(self, claims: dict[str, Any]) -> None:
        self.claims = claims

    def get_user_id(self) -> str:
        return str(self.claims["sub"])


class Client(ClientMixin):
    """The one client, our installation."""

    def __init__(self, back: str) -> None:
        self.back = back

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return self.back

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.back

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class Code(AuthorizationCodeMixin):
    """A code and what it stands for."""

    def __init__(self, code: str, asked: Any) -> None:
        data = asked.payload.data
        self.code, self.person = code, asked.user
        self.redirect_uri, self.scope, self.nonce = data.get("redirect_uri"), data.get("scope"), data.get("nonce")
        self.code_challenge, self.code_challenge_method = data["code_challenge"], data["code_challenge_method"]

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class Provider:
    """The provider; use it as a context."""

    def __init__(self, back: str) -> None:
        self.person: dict[str, Any] = {}
        self.in_token = True
        self.tamper: Callable[[dict[str, Any]], Any] = lambda claims: None
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one"})
        self.published = [self.key]
        self.sign: Callable[[dict[str, Any]], str] = self._sign
        self.description: dict[str, Any] = {}
        self.asked: list[str] = []
        self.answer: Callable[[], Response | None] = lambda: None
        self._codes: dict[str, Code] = {}
        self._client = Client(back)
        self._server = make_server("127.0.0.1", 0, self._app(), threaded=True)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def _app(self) -> Flask:
        app = Flask("provider")
        server = AuthorizationServer(app, lambda _client: self._client, lambda *_: None)
        provider = self

        class Grant(AuthorizationCodeGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

            def save_authorization_code(self, code: str, asked: Any) -> None:
                provider._codes[code] = Code(code, asked)

            def query_authorization_code(self, code: str, client: Any) -> Code | None:
                return provider._codes.get(code)

            def delete_authorization_code(self, code: Code) -> None:
                del provider._codes[code.code]

            def authenticate_user(self, code: Code) -> Person:
                return code.person

        class IdToken(OpenIDCode):
            def exists_nonce(self, nonce: str, asked: Any) -> bool:
                return any(code.nonce == nonce for code in provider._codes.values())

            def encode_id_token(self, token: Any, asked: Any) -> str:
                issued = int(time.time())
                claims = {"iss": provider.issuer, "aud": CLIENT, "iat": issued, "exp": issued + 300}
                claims |= {"nonce": asked.authorization_code.nonce, "sub": asked.user.claims["sub"]}
                if provider.in_token:
                    claims |= asked.user.claims
                provider.tamper(claims)
                return provider.sign(claims)

        server.register_grant(Grant, [CodeChallenge(required=True), IdToken(require_nonce=True)])

        @app.before_request
        def note() -> Response | None:
            self.asked.append(request.path)
            return self.answer()

        @app.get("/.well-known/openid-configuration")
        def describe() -> Response:
            described = {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo", "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
            }  # fmt: skip
            return jsonify(described | self.description)

        @app.get("/keys")
        def keys() -> Response:
            return jsonify({"keys": [key.as_dict(private=False) for key in self.published]})

        @app.get("/authorize")
        def authorize() -> Any:
            person = Person(self.person)
            return server.create_authorization_response(grant_user=person, grant=server.get_consent_grant(person))

        @app.post("/token")
        def token() -> Any:
            return server.create_token_response()

        @app.get("/userinfo")
        def userinfo() -> Response:
            return jsonify(self.person)

        return app
