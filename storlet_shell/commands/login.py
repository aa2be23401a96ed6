"""``login``: ask for an identity, try it, and add it to clouds.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from storlet_shell.errors import IdentityError
from storlet_shell.identity.environment import discover
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import check_url
from storlet_shell.results import Done, Result, Text
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg
from storlet_shell.spec.command import command

if TYPE_CHECKING:
    from storlet_shell.identity.new_cloud import NewCloud, Places
    from storlet_shell.results.schemas.session import AddedCloud

_ATTEMPTS = 3
_DEFAULT_DOMAIN = "Default"


@command(
    "login",
    "Log in to a cloud, and add it to clouds.yaml.",
    Arg("name", nargs="?", metavar="NAME", help="name for the new cloud; if you omit it, you are asked"),
    Arg("--dry-run", action="store_true", help="show what would be added to clouds.yaml, without logging in"),
    category="Session",
    examples=(
        "login work  # asks for the URL, the user, the project, and the password",
        "login  # asks for the name of the cloud as well",
        "login home --dry-run  # show the lines for clouds.yaml",
    ),
)
def login(session: Session, name: str | None = None, dry_run: bool = False) -> Result:
    """Log in to a cloud, and add it to clouds.yaml, which other OpenStack tools read as well.

    You are asked for the identity service, which is Keystone (version 3) or Swift's own (its URL ends in /auth/v1.0),
    and then for the user, the project (Keystone only) and the password. Variables such as OS_AUTH_URL, OS_USERNAME and
    OS_PROJECT_NAME, and the options of the same names, provide defaults. Without a terminal, these are used as they
    are, with the password from OS_PASSWORD or ST_KEY.

    Nothing is written unless the login succeeds. The cloud is added to the clouds.yaml in use, or else to
    ~/.config/openstack/clouds.yaml; all other lines of the file stay as they are. The password goes to secure.yaml,
    which only you can read (mode 0600). In the shell and in notebooks, the lines that follow use the new cloud, unless
    you chose another identity by options.

    :raises UsageError: when a cloud has this name already, or a file can't be extended
    :raises IdentityError: when something is missing, or the identity is refused
    """
    from storlet_shell.identity import new_cloud  # few lines add a cloud

    places = new_cloud.Places.of(session.surroundings.environ)
    questions = _Questions(session)
    cloud = _ask(questions, name, places)
    if dry_run:
        return Text(f"# {places.clouds}\nclouds:\n{new_cloud.entry(cloud.name, cloud.settings())}")
    password, storage_url = _try(session, questions, cloud)
    new_cloud.add(cloud, password, places)
    is_used = session.adopt_cloud(cloud.name)
    use = "the following lines use it" if is_used else f"use it: --os-cloud {cloud.name}, or OS_CLOUD={cloud.name}"
    facts: AddedCloud = {
        "cloud": cloud.name,
        "file": str(places.clouds),
        "secure_file": str(places.secure),
        "storage_url": storage_url,
        "used": is_used,
    }
    return Done(f"cloud {cloud.name}: added to {places.clouds}, its password to {places.secure}; {use}", facts)


class _Questions:
    """Asks for values, and suggests those of variables.

    :param variables: the environment's, overridden by options
    """

    def __init__(self, session: Session) -> None:
        self._surroundings = session.surroundings
        self.variables: Mapping[str, str] = {**session.surroundings.environ, **session.options.identity}
        self.is_watched = session.surroundings.is_watched()

    def ask(self, label: str, *names: str, default: str = "", optional: bool = False) -> str:
        """Ask for a value.

        :param names: variables; the first of them that is set is suggested
        :param default: suggested if none is set
        :raises IdentityError: if it is missing
        """
        suggestion = self._value_of(names) or default
        question = f"{label} [{suggestion}]: " if suggestion else f"{label}: "
        answer = self._surroundings.ask_text(question) if self.is_watched else ""
        return answer or suggestion if optional else self._required(label, answer or suggestion, names)

    def ask_password(self, user: str, *names: str) -> str:
        """Ask for a password without echo; an empty answer means the variable's.

        :raises IdentityError: if it is missing
        """
        label = f"Password of {user}"
        answer = self._surroundings.ask_secret(f"{label}: ") if self.is_watched else ""
        return self._required(label, answer or self._value_of(names), names)

    def _value_of(self, names: Sequence[str]) -> str:
        return next((self.variables[name] for name in names if self.variables.get(name)), "")

    def _required(self, label: str, value: str, names: Sequence[str]) -> str:
        if not value:
            advice = "" if self.is_watched else f"; nobody can be asked here: set {' or '.join(names)}"
            raise IdentityError(f"{label}: missing; nothing was added{advice}")
        return value


def _ask(questions: _Questions, name: str | None, places: Places) -> NewCloud:
    """Ask for everything but the password.

    :raises UsageError: if the name is taken
    """
    from storlet_shell.identity.new_cloud import NewCloud, check_name, is_tempauth

    if name is not None:
        check_name(name, places)
    url = check_url(questions.ask("Identity service (URL)", "OS_AUTH_URL", "ST_AUTH"), "login URL")
    if name is None:
        name = questions.ask("Name of the new cloud", default=urlsplit(url).hostname or "")
        check_name(name, places)
    cacert = questions.variables.get("OS_CACERT", "")
    if is_tempauth(url):
        return NewCloud(name, url, questions.ask("User (ACCOUNT:USER)", "ST_USER", "OS_USERNAME"), cacert=cacert)
    user = questions.ask("User", "OS_USERNAME")
    domain = questions.ask("Domain of the user", "OS_USER_DOMAIN_NAME", default=_DEFAULT_DOMAIN)
    project = questions.ask("Project", "OS_PROJECT_NAME")
    project_domain = questions.ask("Domain of the project", "OS_PROJECT_DOMAIN_NAME", default=domain)
    region = questions.ask("Region (empty: the first one)", "OS_REGION_NAME", optional=True)
    return NewCloud(name, url, user, project, domain, project_domain, region, cacert)


def _try(session: Session, questions: _Questions, cloud: NewCloud) -> tuple[str, str]:
    """Ask for the password and log in; where somebody can be asked, a refused one is asked for again.

    :returns: the password, and the URL of the account
    :raises IdentityError: if the identity is refused
    """
    for attempt in range(1, _ATTEMPTS + 1):
        password = questions.ask_password(cloud.username, "OS_PASSWORD", "ST_KEY")
        credentials = discover(cloud.variables(password))
        login = Login(credentials, credentials.connection)
        try:
            return password, login.storage_url()
        except IdentityError as error:
            if attempt == _ATTEMPTS or not questions.is_watched:
                raise
            session.surroundings.warn(session.surroundings.line_of(error))
    raise AssertionError
