import type { Claim } from "../operations/claim.ts";
import type { ClaimOutcome } from "../operations/claim-outcome.ts";
import type { Complete } from "../operations/complete.ts";
import type { Fail } from "../operations/fail.ts";
import type { RpcObserver } from "./observer.ts";

/** Operations that tell the observer what they answered; what they throw is told by the pipeline. */

export function observeClaim(claim: Claim, observer: RpcObserver): Claim {
  // Made once, and nothing is awaited: thousands of claims may wait.
  const tell = (answer: ClaimOutcome) => {
    observer.claimed(answer.kind, answer.kind === "acquired" ? answer.reason : null);
    return answer;
  };
  return (caller, input) => claim(caller, input).then(tell);
}

export function observeComplete(complete: Complete, observer: RpcObserver): Complete {
  return async (caller, input) => {
    const answer = await complete(caller, input);
    observer.ended("complete", answer.alreadyApplied, answer.late);
    return answer;
  };
}

export function observeFail(fail: Fail, observer: RpcObserver): Fail {
  return async (caller, input) => {
    const answer = await fail(caller, input);
    observer.ended(input.kind, answer.alreadyApplied, answer.late);
    return answer;
  };
}
