import { timeOf, type Validator } from "./validator.ts";

export const ownCanaries: Validator = {
  id: "V6",
  promise: "no answer holds another tenant's canary",
  check(calls) {
    const singing = calls.filter(({ canaries = [] }) => canaries.length > 0);
    const violations = singing.flatMap((call) =>
      (call.canaries ?? [])
        .filter((tenant) => tenant !== call.tenant)
        .map((tenant) => ({ why: `an answer to ${call.tenant} holds what is ${tenant}'s`, lines: [call] })),
    );
    return { judged: singing.map((call) => timeOf(call)), violations };
  },
};
