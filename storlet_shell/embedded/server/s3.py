"""The filters that make the proxies answer S3 requests."""

from __future__ import annotations

from collections.abc import Mapping

from storlet_shell.embedded.control import users
from storlet_shell.embedded.control.s3 import REGION

# Seconds for which the proxy trusts a user's secret key without asking Keystone, as for tokens.
_KEY_CACHE_SECONDS = 10

_S3API = {"paste.filter_factory": "storlet_shell.embedded.middleware.s3:filter_factory", "location": REGION}

Sections = Mapping[str, Mapping[str, str]]


def with_s3(auth: Sections, password: str) -> Sections:
    """Return the filters that authenticate, in order, and S3's among them, where Swift's documentation puts them.

    :param auth: those without S3
    :param password: the password of Keystone's administrator; unused with tempauth, which checks signatures itself
    """
    if "authtoken" not in auth:
        return {"s3api": _S3API, **auth}
    authtoken = auth["authtoken"]
    url = f"{authtoken['auth_url']}/v3"
    s3token = {
        "use": "egg:swift#s3token",
        "auth_uri": url,
        "reseller_prefix": "AUTH",
        "auth_type": "password",
        "auth_url": url,
        # A service user may have signatures checked; reading the secret keys takes an administrator. Without them,
        # Keystone would be asked for each request, and uploads in signed chunks would be refused.
        "username": users.ADMIN.name,
        "password": password,
        "project_name": users.ADMIN.project,
        "user_domain_id": users.DOMAIN,
        "project_domain_id": users.DOMAIN,
        "region_name": users.REGION,
        "secret_cache_duration": str(_KEY_CACHE_SECONDS),
    }
    others = {name: options for name, options in auth.items() if name != "authtoken"}
    return {"authtoken": authtoken, "s3api": _S3API, "s3token": s3token, **others}
