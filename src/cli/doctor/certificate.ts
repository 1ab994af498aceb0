import { type Finding, findingsOf } from "./finding.ts";

const DAY_MS = 86_400_000;
/** Those of the alerts HoldfastCertificateExpiresSoon and HoldfastCertificateExpires. */
const SOON_DAYS = 14;
const URGENT_DAYS = 2;

/** @param whose begins the sentence */
export function judgeCertificate(whose: string, validFromMs: number, notAfterMs: number, nowMs: number): Finding {
  const { ok, problem, above } = findingsOf("certificate");
  const until = new Date(notAfterMs).toISOString().slice(0, 16).replace("T", " ");
  if (nowMs < validFromMs) {
    return problem(`${whose} is not valid yet.`, "Set the clock of this machine right, or give another certificate.");
  }
  const mend = "Renew it: a server takes up the changed files within seconds, without a restart.";
  if (nowMs > notAfterMs) return problem(`${whose} expired on ${until}Z: nobody can connect.`, mend);
  const days = (notAfterMs - nowMs) / DAY_MS;
  const left = days >= 2 ? `${Math.floor(days)} days` : `${Math.floor(days * 24)} hours`;
  const sentence = `${whose} expires in ${left}, on ${until}Z.`;
  return above(-days, -SOON_DAYS, -URGENT_DAYS, sentence, mend) ?? ok(sentence);
}
