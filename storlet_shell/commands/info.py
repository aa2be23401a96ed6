"""``info``: show the cluster's features and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storlet_shell.errors import ServiceError
from storlet_shell.results import Report, Result
from storlet_shell.session import Session
from storlet_shell.spec.command import command
from storlet_shell.text import size

_FEATURES = {
    "dlo": "dynamic large objects",
    "symlink": "symbolic links",
    "object_versioning": "versions of objects",
    "bulk_delete": "bulk deletion",
    "bulk_upload": "archives unpacked",
    "tempurl": "temporary URLs",
    "formpost": "uploads from forms",
    "staticweb": "static web pages",
    "container_quotas": "container quotas",
    "account_quotas": "account quotas",
    "s3api": "the S3 protocol",
}


@command(
    "info",
    "Show what the cluster can do: storlets, limits, storage policies.",
    category="Session",
    examples=(
        "info  # storlets, limits, storage policies",
        "info --json  # everything that the cluster reports",
        "info | grep policies  # one line of it",
        "info -o cluster  # keep it in a variable",
    ),
)
def info(session: Session) -> Result:
    """Show what the cluster can do: storlets, limits, storage policies.

    --json shows everything that the cluster reports.

    :raises ServiceError: when the cluster reports nothing
    """
    sections = session.client.capabilities()
    if not sections:
        raise ServiceError("the cluster doesn't publish its features: GET /info returns nothing")
    return Report(sections, {"storlets": _storlets(sections), **_swift(sections), "features": _features(sections)})


def _storlets(sections: Mapping[str, Any]) -> str:
    handler = sections.get("storlet_handler")
    if not isinstance(handler, dict):
        return "none: their middleware is not named"
    gateway = handler.get("storlet_gateway_class", "a gateway that is not named")
    if gateway == "StubStorletGateway":
        return f"{gateway}, the stub: objects go as they are, nothing is executed"
    places = ", ".join(
        f"{label} in {handler[key]}"
        for label, key in (("storlets", "storlet_container"), ("dependencies", "storlet_dependency"))
        if key in handler
    )
    return f"run by {gateway}" + (f"; {places}" if places else "")


def _swift(sections: Mapping[str, Any]) -> dict[str, str]:
    swift = sections.get("swift", {})
    slo = sections.get("slo")
    told_policies = swift.get("policies")
    policies = [
        f"{policy.get('name')}{' (default)' if policy.get('default') else ''}"
        for policy in (told_policies if isinstance(told_policies, list) else ())
        if isinstance(policy, dict)
    ]
    facts = {
        "swift": swift.get("version", "of an unknown version"),
        "storage policies": ", ".join(policies),
        "largest object in one request": _size(swift.get("max_file_size")),
        "static large objects": f"of up to {slo.get('max_manifest_segments', '?')} segments" if slo else "no",
        "longest names": _names(swift),
        "metadata": _metadata(swift),
        "names in one listing": str(swift.get("container_listing_limit", "")),
    }
    return {name: value for name, value in facts.items() if value}


def _size(count: object) -> str:
    return f"{count} bytes ({size(count)})" if isinstance(count, int) else ""


def _names(swift: Mapping[str, Any]) -> str:
    limits = (("container", "max_container_name_length"), ("object", "max_object_name_length"))
    return ", ".join(f"{label} {swift[key]} bytes" for label, key in limits if key in swift)


def _metadata(swift: Mapping[str, Any]) -> str:
    if "max_meta_count" not in swift:
        return ""
    return (
        f"up to {swift['max_meta_count']}, names of {swift.get('max_meta_name_length')} bytes, "
        f"values of {swift.get('max_meta_value_length')}, {swift.get('max_meta_overall_size')} in all"
    )


def _features(sections: Mapping[str, Any]) -> str:
    return ", ".join(words for name, words in _FEATURES.items() if name in sections) or "none of those known here"
