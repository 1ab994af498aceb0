from __future__ import annotations

import math

import pytest
from fakes import fake_runtime, wire_error

from holdfast._pace import Pace
from holdfast._retry import Answered
from holdfast.v1 import idempotency_pb2 as pb


def in_progress(retry_after):
    answer = pb.ClaimResponse(outcome=pb.CLAIM_OUTCOME_IN_PROGRESS)
    answer.in_progress.retry_after.FromMilliseconds(int(retry_after * 1000))
    return answer


def scheduled(retry_after):
    answer = pb.ClaimResponse(outcome=pb.CLAIM_OUTCOME_RETRY_SCHEDULED)
    answer.retry_scheduled.retry_after.FromMilliseconds(int(retry_after * 1000))
    return answer


def test_lets_a_claim_wait_for_thirty_seconds_or_for_what_is_left():
    runtime = fake_runtime()
    assert Pace(runtime, math.inf).wait() == 30
    assert Pace(runtime, 5).wait() == 4.9
    assert Pace(runtime, 0.05).wait() == 0


def test_asks_without_waiting_for_a_while_when_too_many_wait():
    runtime = fake_runtime()
    pace = Pace(runtime, math.inf)
    error = wire_error(8)
    error.reason = "QUOTA_WAITERS"
    pace.failed(error)
    assert pace.wait() == 0
    runtime.clock.now = 10
    assert pace.wait() == 30


def test_asks_again_at_once_when_the_server_has_waited():
    runtime = fake_runtime()
    pace = Pace(runtime, math.inf)
    runtime.clock.now = 30
    assert pace.pause(Answered(in_progress(10), 0, 30)) == 0


def test_pauses_longer_each_time_up_to_the_end_of_the_lease_when_it_has_not():
    pace = Pace(fake_runtime(random=1), math.inf)
    pauses = [pace.pause(Answered(in_progress(0.5), 0, 0)) for _ in range(4)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.5])


def test_comes_back_for_a_due_time_in_time_for_the_server_to_wait_for_it():
    pace = Pace(fake_runtime(), math.inf)
    assert pace.pause(Answered(scheduled(100), 0, 30)) == 70
    assert pace.pause(Answered(scheduled(20), 0, 30)) == 20
