"""A command and a scheduler for storlet-shell in a package of their own."""

from storlet_shell.plugin import Arg, Kind, Location, Report, Scheduler, command, list_entries

WHERE = Arg("where", type=Location.parse, kind=Kind.OBJECT, metavar="CONTAINER[/PREFIX]")


@command("usage", "Show the size of a container, or of a prefix.", WHERE)
def usage(session, where):
    """Show the number and the size of the objects in a container, or below a prefix."""
    sizes = [entry["bytes"] for entry in list_entries(session.client, where)]
    return Report({"objects": len(sizes), "bytes": sum(sizes), "largest": max(sizes, default=0)})


class Spare(Scheduler):
    """Send every run to the first endpoint, and to the others only while it doesn't answer."""

    def choose(self, endpoints):
        """Return the first one that can be used."""
        return endpoints[0]
