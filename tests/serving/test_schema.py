# SPDX-License-Identifier: BSD-3-Clause
"""Requests made from the server's own description: whatever comes back is what it promises."""

import pytest

from tests.serving.asking import ask

schemathesis = pytest.importorskip("schemathesis")


@pytest.mark.filterwarnings("ignore")
def test_generated_requests_get_what_the_description_promises(row_server, server):
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        ignored_auth,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
        ignored_auth,
    ]
    tried = 0

    def tester(serving, operation):
        @settings(
            max_examples=12, deadline=None, database=None, derandomize=True,
            phases=[Phase.generate, Phase.explicit], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def send(case):
            nonlocal tried
            tried += 1
            headers = {"Authorization": f"Bearer {serving.token}"}
            case.call_and_validate(base_url=serving.url, headers=headers, checks=checks)

        return send

    for serving in (row_server, server):
        schema = schemathesis.openapi.from_dict(ask(serving, "/openapi.json").json)
        for operation in schema.get_all_operations():
            tester(serving, operation.ok())()
    assert tried > 100
