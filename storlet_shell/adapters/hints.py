"""Hints for users who type lines: the command that helps, or the option.

Hints for Python programs are defined by the actions themselves (:class:`~storlet_shell.errors.Action`).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from storlet_shell.errors import ELLIPSIS, Action, Hint

LINES: Mapping[Action, str] = {
    Action.MAKE_CONTAINER: "mkdir {}",
    Action.ENABLE_ACCOUNT: "enable",
    Action.SEE_LOGS: "logs {}",
    Action.SEE_STORLETS: "storlets",
    Action.DEPLOY_ONE: "deploy FILE",
    Action.DEFINE_VARIABLE: "vars NAME KEY=VALUE",
    Action.SEE_STORLETS_IN: "storlets -c {}",
    Action.SEE_GRANTS: "acl list {}",
    Action.GRANT_READING: "acl grant {} PROJECT_ID:USER_ID --read",
    Action.SEE_ENABLE: "enable, or drop --on-node",
    Action.DEPLOY_CODE: "deploy {} <<EOF",
    Action.DEPLOY_STANDARD: "deploy {}",
    Action.EMPTY: "rm -r {}",
    Action.EMPTY_VERSIONS: "rm -r --versions {}",
    Action.REMOVE: "rm {}",
    Action.REMOVE_ALL: "rm -r {}",
    Action.SEE_DEPENDENCIES: "dependencies",
    Action.SET_KEY: "post path:/ -m Temp-URL-Key=SECRET",
    Action.REMOVE_DEPENDENCY: "dependencies rm {}",
    Action.COPY: "copy {}",
    Action.SAVE_ONE: "get --save",
    Action.SAVE_AS: "get --save",
}
"""The commands that carry out hints; some front ends put a word in front of a command."""

_WAYS_IN = (
    "try the embedded Swift (--local, or {before}local start), name a cloud of clouds.yaml (--os-cloud or OS_CLOUD), "
    "add one ({before}login), "
    "or set OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME (tempauth: ST_AUTH, ST_USER and ST_KEY)"
)

PHRASES: Mapping[Action, str] = {
    Action.DROP_ON_NODE: "--on-node",
    Action.DROP_LOG: "--generate-log",
    Action.ALLOW_UNREAD: "--allow-unread",
    Action.FORCE: "--force",
    Action.REPLACE: "--force",
    Action.DEPLOY_ANYWAY: "--force",
    Action.PASS_AS_INPUT: "--extra",
    Action.REMOVE_METADATA: "--remove {}",
    Action.DEPLOY_AGAIN: "deploy it again",
    Action.NAME_RIGHT: "--read",
    Action.VERIFY: "--insecure",
    Action.PROVIDE: "--provided {}",
    Action.KEEP_PACKAGES: "--package {}",
    Action.NAME_WHEEL: "--package ./FILE.whl",
    Action.NAME_JAR_MAIN: "--main",
    Action.NAME_MAIN: "--main",
    Action.TRUST: "--os-cacert FILE, or OS_CACERT",
    Action.SET_IN_CLOUD: "set it there, or give --os-{}",
    Action.LOG_IN: _WAYS_IN,
    Action.COMPLETE_LOGIN: _WAYS_IN,
    Action.LOG_IN_AGAIN: 'eval "$(storlet-shell local env)"',
}
"""Hints that name no command: options, variables, lines for a terminal's own shell."""


def in_line(hint: Hint, before: str = "") -> str:
    """Spell a hint for users who type lines.

    :param before: the text in front of each command, as ``%storlet`` and a space
    """
    arguments = " ".join(word if word == ELLIPSIS else shlex.quote(word) for word in hint.arguments)
    if hint.action in LINES:
        return before + LINES[hint.action].replace("{}", arguments, 1)
    phrase = PHRASES[hint.action].replace("{before}", before)
    if phrase.startswith("--") and phrase.endswith(" {}"):  # each argument has the option in front of it
        arguments = f" {phrase.partition(' ')[0]} ".join(map(shlex.quote, hint.arguments))
    return phrase.replace("{}", arguments, 1)
