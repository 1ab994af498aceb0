import type {
  RegisterTenantRequest,
  TenantRegistration,
  UpdateTenantRequest,
} from "../../../gen/holdfast/v1/admin_pb.ts";
import { DURATIONS } from "../../domain/limits.ts";
import { checkDuration, type Report, type Rules } from "../rules.ts";

/** What only the server's settings can tell, such as the names of its placements, `declare` checks. */
export const registerTenantRules: Rules<RegisterTenantRequest> = ({ registration }, report) => {
  if (registration !== undefined) checkRegistration("registration.", registration, report);
};

export const updateTenantRules: Rules<UpdateTenantRequest> = ({ registration }, report) => {
  if (registration !== undefined) checkRegistration("registration.", registration, report);
};

/** Of a registration by itself, such as one in a file. */
export const registrationRules: Rules<TenantRegistration> = (registration, report) => {
  checkRegistration("", registration, report);
};

function checkRegistration(prefix: string, { defaultPolicy }: TenantRegistration, report: Report): void {
  const field = `${prefix}default_policy`;
  checkDuration(`${field}.max_execution`, defaultPolicy?.maxExecution, DURATIONS.maxExecution, report);
  checkDuration(`${field}.result_retention`, defaultPolicy?.resultRetention, DURATIONS.resultRetention, report);
  checkDuration(
    `${field}.tombstone_retention`,
    defaultPolicy?.tombstoneRetention,
    DURATIONS.tombstoneRetention,
    report,
  );
}
