"""Whatever goes wrong is told as a problem document, and never repeats what was sent."""

from typing import Annotated, Literal

import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel
from starlette.testclient import TestClient

from service import errors
from service.api.last_resort import LastResort
from service.api.problem_types import MEDIA_TYPE, PROBLEMS
from service.api.problems import name_of, report_problems
from service.errors import BadQuery, Detail, GraftwatchError, LedgerOutOfDate, Unreadable

SECRET = "p0001-jane-doe"


class Body(BaseModel):
    age_years: int
    sex: Literal["female", "male"] = "female"


def client_of(fault: Exception | None = None) -> TestClient:
    app = FastAPI()
    report_problems(app)
    app.add_middleware(LastResort)

    @app.get("/fail")
    def fail() -> None:
        assert fault is not None
        raise fault

    @app.post("/body")
    def body(sent: Body, level: Annotated[float, Query(lt=1)] = 0.95) -> None:
        """Take a body."""

    return TestClient(app)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (errors.Unreadable("x"), 400),
        (errors.Unreadable("x", code="too_large"), 413),
        (errors.Unreadable("x", code="unsupported_media_type"), 415),
        (errors.Unreadable("x", code="truncated_gzip"), 400),
        (errors.BadRequest("x"), 400),
        (errors.BadQuery("x"), 422),
        (errors.MeasureMismatch("x"), 422),
        (errors.NotFound("x"), 404),
        (errors.Conflict("x"), 409),
        (errors.Unauthorised("x"), 401),
        (errors.Forbidden("x"), 403),
        (LedgerOutOfDate(), 503),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_each_error_has_its_status_and_is_a_problem(fault, status):
    answer = client_of(fault).get("/fail")
    told = answer.json()
    assert answer.status_code == told["status"] == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert told["type"].removeprefix("/problems/") in PROBLEMS
    assert told["detail"] == fault.message
    assert told["code"] == fault.code
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert ("retry-after" in answer.headers) == (status == 503)


def test_every_single_fault_is_listed():
    details = (Detail("?by", "unknown_dimension", "a"), Detail("?end", "too_early", "b"))
    told = client_of(BadQuery("two", details=details)).get("/fail").json()
    assert told["errors"] == [detail._asdict() for detail in details]


def test_an_error_without_a_row_of_its_own_is_told_as_its_parent():
    class TornPage(Unreadable):
        """Not in the table."""

    assert name_of(TornPage("x")) == "unreadable"
    assert name_of(GraftwatchError("x")) == "internal"


def test_an_unexpected_exception_is_a_500_without_its_words():
    answer = client_of(ValueError(f"Key (patient)=({SECRET}) exists")).get("/fail")
    assert answer.status_code == 500
    assert answer.json()["type"] == "/problems/internal"
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text


def test_fields_and_parameters_are_pointed_at_and_not_repeated():
    sent = {"age_years": SECRET, "sex": SECRET}
    answer = client_of().post("/body?level=7", json=sent)
    assert answer.status_code == 422
    pointers = {fault["pointer"]: fault["code"] for fault in answer.json()["errors"]}
    assert pointers == {
        "/age_years": "int_parsing",
        "/sex": "literal_error",
        "?level": "less_than",
    }
    assert SECRET not in answer.text


@pytest.mark.parametrize("sent", ['{"age_years":', f'{{"{SECRET}" 1}}', "", "NaN,"])
def test_a_body_that_is_no_json_is_unreadable(sent):
    headers = {"content-type": "application/json"}
    answer = client_of().post("/body", content=sent, headers=headers)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.status_code in (400, 422)
    assert SECRET not in answer.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/no", 404), ("PUT", "/body", 405)])
def test_what_the_router_refuses_is_a_problem_too(method, path, status):
    answer = client_of().request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    assert ("allow" in answer.headers) == (status == 405)
