import { X509Certificate } from "node:crypto";
import { wallClockMs } from "../../clock.ts";
import { formatAddress } from "../../server/config/kinds.ts";
import type { Sources } from "../../server/config/read.ts";
import type { Config } from "../../server/config.ts";
import { VERSION } from "../../server/version.ts";
import { readPem } from "../caller-tls.ts";
import { askServer, explain } from "../health.ts";
import { judgeCertificate } from "./certificate.ts";
import { type Finding, findingsOf } from "./finding.ts";
import type { Section } from "./report.ts";

/** The server at --http-address, if one runs there, and the certificate of --tls-cert. */
export async function examineServer(config: Config, sources: Sources): Promise<Section> {
  const address = formatAddress(config.httpAddress);
  const server = await checkServer(config, sources.get("httpAddress")?.kind !== "default");
  const own = config.tlsCert === null ? [] : [await checkFile(config.tlsCert)];
  return { name: "server", description: address, findings: [...server, ...own] };
}

async function checkServer(config: Config, isNamed: boolean): Promise<Finding[]> {
  const { ok, problem, warning, skipped } = findingsOf("server");
  try {
    const { body, isOk } = await askServer("/readyz", config);
    if (!isOk) {
      return [
        problem(`It is not ready: ${oneLine(body)}`, "See what is said of the databases above, and the server's log."),
      ];
    }
    const { body: page } = await askServer("/metrics", config);
    return [ok("It is ready."), ...judgeMetrics(page)];
  } catch (error) {
    const why = explain(error, config);
    // By default nobody has said that a server runs here.
    if (!isNamed) return [skipped(`No server was looked at: ${why}.`)];
    return [warning(`${why}.`, "Start it, or see its log for why it does not start.")];
  }
}

/** What the server says of itself. */
export function judgeMetrics(page: string): Finding[] {
  const findings: Finding[] = [];
  const notAfter = /^holdfast_tls_certificate_not_after_seconds(?:\{[^}]*\})? ([\d.e+]+)$/m.exec(page)?.[1];
  if (notAfter !== undefined) {
    findings.push(judgeCertificate("The certificate that the server uses", 0, Number(notAfter) * 1000, wallClockMs()));
  }
  const version = /^holdfast_build_info\{[^}]*version="([^"]*)"/m.exec(page)?.[1];
  if (version !== undefined && version !== VERSION) {
    findings.push(
      findingsOf("version").warning(
        `The server is version ${version}, and this is ${VERSION}.`,
        "Use the doctor of the server's version: another one may expect another schema.",
      ),
    );
  }
  return findings;
}

async function checkFile(path: string): Promise<Finding> {
  const { problem } = findingsOf("certificate");
  try {
    const { validFrom, validTo } = new X509Certificate(await readPem("tlsCert", path));
    return judgeCertificate("The certificate of --tls-cert", Date.parse(validFrom), Date.parse(validTo), wallClockMs());
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return problem(
      `The certificate of --tls-cert cannot be read: ${why}.`,
      "Give a file in PEM that this user may read.",
    );
  }
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ");
}
