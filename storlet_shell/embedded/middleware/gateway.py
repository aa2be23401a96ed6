"""The storlet gateway: what the storlets middleware calls to run a storlet, in the embedded Swift."""

from __future__ import annotations

from typing import Any

from storlets.gateway.common.stob import StorletData, StorletResponse
from storlets.gateway.gateways.container.gateway import StorletGatewayContainer

from storlet_shell.embedded.engine.service import engine_of


class StorletGateway(StorletGatewayContainer):
    """Run Python storlets in this machine's own processes.

    Upstream's checks of what is deployed are inherited, and so is its request class.

    :param conf: ``folder``: the engine's; ``place``: the server that this gateway runs storlets on
    :param scope: the account, cut to 13 characters by the middleware, and so not used
    """

    def __init__(self, conf: dict[str, str], logger: Any, scope: str) -> None:
        # Not the container gateway's: it reads the paths of an engine that is not there.
        self.conf, self.logger, self.scope = conf, logger, scope

    def invocation_flow(self, sreq: Any) -> StorletResponse:
        """Run a storlet up to its metadata; its body follows as it comes.

        :param sreq: the middleware's storlet request
        """
        engine = engine_of(self.conf["folder"])
        transaction = self.logger.txn_id or ""
        try:
            metadata, body = engine.run(sreq, transaction)
        finally:
            self.logger.txn_id = transaction  # requests to Swift made on the way have ids of their own
        engine.journal.ran(transaction, self.conf["place"])
        return StorletResponse(StorletData(metadata, data_iter=body))
