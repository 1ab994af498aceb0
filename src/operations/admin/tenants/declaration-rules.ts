import { isIP } from "node:net";
import type { HostPath, TrustedIssuer, Validator } from "../../../domain/registration.ts";
import type { TenantLimits } from "../../../domain/tenant.ts";
import { NO_HOST, normaliseHost } from "../../../tenants/hosts.ts";
import { isPathPrefix, normalisePath, PATH_BYTES_MAX, PATH_SEGMENTS_MAX } from "../../../tenants/paths.ts";
import { mayBeAsked, type Reach, readTarget } from "../../../tenants/validators/target.ts";

/** `allowed` completes the sentence "`field` …" and never holds what was given. */
export type Report = (field: string, allowed: string) => void;

export function checkHosts(hosts: readonly HostPath[], report: Report): void {
  const seen = new Set<string>();
  for (const [index, { host, path }] of hosts.entries()) {
    const field = `hosts[${index}]`;
    const normal = normaliseHost(host);
    if (normal === NO_HOST) report(`${field}.host`, "must be a host name or an address");
    if (path !== "" && !path.startsWith("/")) report(`${field}.path`, 'must begin with "/", or be empty');
    if (/[?#]/.test(path)) report(`${field}.path`, "must be a path, without query and fragment");
    const prefix = normalisePath(path);
    if (!isPathPrefix(prefix)) {
      report(`${field}.path`, `must be at most ${PATH_BYTES_MAX} bytes and ${PATH_SEGMENTS_MAX} segments`);
    }
    const text = `${normal} ${prefix}`;
    if (normal !== NO_HOST && seen.has(text))
      report(field, "must not be there twice: the same host and path come before");
    seen.add(text);
  }
}

export function checkIssuers(issuers: readonly TrustedIssuer[], reach: Reach, report: Report): void {
  const seen = new Set<string>();
  for (const [index, { issuer, subject, audience, jwksUrl }] of issuers.entries()) {
    const field = `issuers[${index}]`;
    if (jwksUrl !== "") {
      if (audience === "") report(`${field}.audience`, "must be set with jwks_url");
      checkUrl(`${field}.jwks_url`, jwksUrl, reach, report);
    }
    const text = JSON.stringify([issuer, subject]);
    if (seen.has(text)) report(field, "must not be there twice: the same issuer and subject come before");
    seen.add(text);
  }
}

export function checkValidator(validator: Validator, reach: Reach, report: Report): void {
  if (validator.kind !== "none") checkUrl(`validator.${validator.kind}_url`, validator.url, reach, report);
}

/** Nothing is asked for that: what a name leads to is checked each time when it is. */
function checkUrl(field: string, url: string, reach: Reach, report: Report): void {
  const reading = readTarget(url, reach);
  if (reading.kind === "refused") {
    report(field, `must be an https URL that may be asked: ${reading.reason}`);
    return;
  }
  const { target } = reading;
  if (isIP(target.host) !== 0 && !mayBeAsked([target.host], target, reach)) {
    report(field, "must be an https URL that may be asked: the address is not one of the public network");
  }
}

/** What the table's bigint holds. */
const COUNT_MAX = 2n ** 63n - 1n;

/** Below it the next record would be further away than most servers live. */
const RATE_MIN = 0.001;
const RATE_MAX = 1_000_000;

export function checkLimits(limits: TenantLimits, report: Report): void {
  const { newRecordsPerSecond, liveRecords, storedBytes } = limits;
  if (!(newRecordsPerSecond === 0 || (newRecordsPerSecond >= RATE_MIN && newRecordsPerSecond <= RATE_MAX))) {
    report("limits.new_records_per_second", `must be 0, or from ${RATE_MIN} to ${RATE_MAX}`);
  }
  if (liveRecords > COUNT_MAX) report("limits.live_records", `must be at most ${COUNT_MAX}`);
  if (storedBytes > COUNT_MAX) report("limits.stored_bytes", `must be at most ${COUNT_MAX}`);
}
