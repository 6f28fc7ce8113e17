"""What goes over the bus, as AsyncAPI; what goes over HTTP stands in `/openapi.json`. Open to everybody."""

from functools import cache

from fastapi import APIRouter, Response

from shared.contract import asyncapi

router = APIRouter(tags=["contract"])


@cache
def _document() -> str:
    return asyncapi()


@router.get(
    "/asyncapi.json",
    summary="The contract of the bus: streams, events, queries and commands",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}},
)
def read_bus_contract() -> Response:
    return Response(_document(), media_type="application/json")
