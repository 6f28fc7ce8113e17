"""Payments: approved invoices and where they stand, and the files that order them."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.gateway.context import QUERY_TIMEOUT, Gateway, MayRead, TheGateway
from services.gateway.lists import ClientFilter, list_of_clients
from services.gateway.problems import answers
from shared import subjects
from shared.access import Principal
from shared.commands import (
    PayablesPage,
    PayablesQuery,
    PaymentFileDetail,
    PaymentFileQuery,
    PaymentFilesPage,
    PaymentFilesQuery,
)
from shared.errors import TagwerkError
from shared.files import Files
from shared.words import PaymentState

router = APIRouter(tags=["payments"])

#: Who may see this job and its runs may see the files that it makes.
_JOB: Final = "integrations.create-payment-file"


class PayablesFilter(ClientFilter):
    state: PaymentState | None = Field(default=None, description="How far the payment is.")


@router.get("/payables", summary="Approved invoices and their payment", responses=answers(404))
async def list_payables(
    filter: Annotated[PayablesFilter, Query()], asking: MayRead, gateway: TheGateway
) -> PayablesPage:
    """The earliest due first, then those without a date. `held` says why one is not ordered by itself."""
    return await list_of_clients(gateway, asking, "payables", filter, PayablesQuery, PayablesPage)


@router.get("/payments/files", summary="Payment files", responses=answers(404))
async def list_payment_files(
    filter: Annotated[ClientFilter, Query()], asking: MayRead, gateway: TheGateway
) -> PaymentFilesPage:
    """The newest first, each with the number of its orders by their state."""
    return await list_of_clients(
        gateway, asking, "payment-files", filter, PaymentFilesQuery, PaymentFilesPage, job=_JOB
    )


@router.get("/payments/files/{file_id}", summary="One payment file and its orders", responses=answers(404))
async def read_payment_file(file_id: UUID, asking: MayRead, gateway: TheGateway) -> PaymentFileDetail:
    """Each order with its state, and what the bank said."""
    return await _find(gateway, asking, file_id)


@router.get(
    "/payments/files/{file_id}/content",
    summary="Download a payment file, to give it to the bank",
    response_class=StreamingResponse,
    responses=answers(404) | {200: {"content": {"application/xml": {}}}},
)
async def download_payment_file(file_id: UUID, asking: MayRead, gateway: TheGateway) -> StreamingResponse:
    """The pain.001, byte for byte. The bank executes what it is given: give it a file once."""
    file = await _find(gateway, asking, file_id)
    if file.completed_at is None:
        raise TagwerkError(
            "file_not_ready",
            "the run that makes this file has not completed it yet",
            concern=str(file_id),
            next_step=f"Look at run {file.run_id}. If it broke off, start {_JOB}: that completes the file.",
        )
    headers = {
        "Content-Disposition": f'attachment; filename="{file_id}.xml"',
        "Content-Length": str(file.size),
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    content = await Files(gateway.files, file.client).stream(f"payments/{file_id}.xml")
    return StreamingResponse(content, media_type="application/xml", headers=headers)


async def _find(gateway: Gateway, asking: Principal, file_id: UUID) -> PaymentFileDetail:
    await gateway.gate.job_to_see(asking, _JOB)
    query = PaymentFileQuery(file_id=file_id, **await gateway.gate.scope(asking))
    subject = subjects.query("integrations", "payment-file")
    try:
        return await gateway.bus.ask(subject, query, PaymentFileDetail, timeout=QUERY_TIMEOUT)
    except TagwerkError as error:
        if error.failure.code == "payment_file_not_found":
            gateway.gate.look_for_hidden_payment_file(asking, file_id)
        raise
