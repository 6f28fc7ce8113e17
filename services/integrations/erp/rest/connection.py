"""The way of a run to the ERP of its client."""

from typing import Protocol

from services.integrations.erp.rest.api import ErpApi
from services.integrations.erp.rest.config import RestErp
from shared.errors import TagwerkError
from shared.runner.context import Calls


class ErpConnection(Protocol):
    """What a run needs to reach the ERP."""

    @property
    def set_up(self) -> bool:
        """Whether the client has an ERP with an interface."""

    def settings(self) -> RestErp:
        """Raises `erp_not_set_up`."""

    def open(self) -> ErpApi:
        """To be entered. Raises `erp_not_set_up` and `erp_token_missing`."""


class HttpErp:
    """The ERP of one client, over HTTP."""

    def __init__(self, erp: RestErp | None, client: str, calls: Calls) -> None:
        self._erp = erp
        self._client = client
        self._calls = calls

    @property
    def set_up(self) -> bool:
        return self._erp is not None

    def settings(self) -> RestErp:
        if self._erp is None:
            raise TagwerkError(
                "erp_not_set_up",
                f"nothing says where the ERP of client {self._client} is",
                concern=self._client,
                next_step=f"Add [rest.{self._client}] to the file that TAGWERK_ERP_FILE names, and start the "
                "service again.",
            )
        return self._erp

    def open(self) -> ErpApi:
        return ErpApi(self.settings(), self._calls)
