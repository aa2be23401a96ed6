"""A command and a scheduler, added to storlet-shell by another package."""

from storlet_shell.plugin import Arg, Kind, Location, Report, Scheduler, command, list_entries

WHERE = Arg("where", type=Location.parse, kind=Kind.OBJECT, metavar="CONTAINER[/PREFIX]")


@command("usage", "Tell how much lies in a container, or under a prefix.", WHERE)
def usage(session, where):
    """Tell how many objects lie in a container, or under a prefix, and how large they are."""
    sizes = [entry["bytes"] for entry in list_entries(session.client, where)]
    return Report({"objects": len(sizes), "bytes": sum(sizes), "largest": max(sizes, default=0)})


class Spare(Scheduler):
    """The first endpoint takes every run; the others take them while it does not answer."""

    def choose(self, endpoints):
        """Return the first one that can be used."""
        return endpoints[0]
