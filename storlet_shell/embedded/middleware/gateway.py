"""The embedded Swift's storlet gateway, which the storlets middleware calls to run a storlet."""

from __future__ import annotations

from typing import Any

from storlets.gateway.common.stob import StorletData, StorletResponse
from storlets.gateway.gateways.container.gateway import StorletGatewayContainer

from storlet_shell.embedded.engine.service import engine_of


class StorletGateway(StorletGatewayContainer):
    """Runs Python storlets in processes on this machine.

    Upstream's checks of deployments are inherited, and so is its request class.

    :param conf: ``folder``: the engine's; ``place``: the server that this gateway runs storlets on
    :param scope: unused: the account, truncated to 13 characters by the middleware
    """

    def __init__(self, conf: dict[str, str], logger: Any, scope: str) -> None:
        # Skips the container gateway's constructor, which reads the paths of another engine.
        self.conf, self.logger, self.scope = conf, logger, scope

    def invocation_flow(self, sreq: Any) -> StorletResponse:
        """Run a storlet until its metadata arrive; the body streams.

        :param sreq: the middleware's storlet request
        """
        engine = engine_of(self.conf["folder"])
        transaction = self.logger.txn_id or ""
        try:
            metadata, body = engine.run(sreq, transaction)
        finally:
            self.logger.txn_id = transaction  # requests to Swift made meanwhile have IDs of their own
        engine.journal.ran(transaction, self.conf["place"])
        return StorletResponse(StorletData(metadata, data_iter=body))
