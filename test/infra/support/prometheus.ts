import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./cluster.ts";
import type { Program } from "./packages.ts";
import { openPlace, startProgram } from "./program-process.ts";

/** The real one, which scrapes a server twice a second. */
export interface Prometheus extends AsyncDisposable {
  /** "http://127.0.0.1:12345" */
  readonly url: string;
  /** What an expression gives now. */
  query(expression: string): Promise<readonly Sample[]>;
  /** Returns once it gives something. How long that may take is the test's own limit. */
  until(expression: string): Promise<readonly Sample[]>;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface PrometheusOptions {
  /** HOST:PORT of each server's HTTP port; the job is called holdfast. */
  readonly targets: readonly string[];
  /** What certificates are checked against, of servers that speak TLS. */
  readonly caPem?: string;
  /** A file of rules. */
  readonly rules: string;
}

const SCRAPE = "500ms";
const LOOK_MS = 200;

export async function startPrometheus(program: Program, options: PrometheusOptions): Promise<Prometheus> {
  const { targets, caPem, rules } = options;
  const place = await openPlace("prometheus");
  const file = (name: string) => join(place.path, name);
  const tls = caPem === undefined ? {} : { scheme: "https", tls_config: { ca_file: file("ca.pem") } };
  const config = {
    global: { scrape_interval: SCRAPE, scrape_timeout: SCRAPE, evaluation_interval: SCRAPE },
    rule_files: [file("rules.yml")],
    scrape_configs: [{ job_name: "holdfast", static_configs: [{ targets }], ...tls }],
  };
  await writeFile(file("prometheus.yml"), JSON.stringify(config));
  await writeFile(file("rules.yml"), rules);
  await writeFile(file("ca.pem"), caPem ?? "");
  await place.give();
  const address = `127.0.0.1:${await freePort()}`;
  const args = [
    `--config.file=${file("prometheus.yml")}`,
    `--storage.tsdb.path=${file("data")}`,
    `--web.listen-address=${address}`,
  ];
  const server = await startProgram(program, args, { stopSignal: "TERM", account: place.account });
  await server.said(/Server is ready to receive web requests/);

  const query = async (expression: string) => {
    const response = await fetch(`http://${address}/api/v1/query?${new URLSearchParams({ query: expression })}`);
    const answer = (await response.json()) as QueryAnswer;
    if (answer.status !== "success") throw new Error(`${answer.error}: ${expression}`);
    return answer.data.result.map(({ metric: labels, value }) => ({ labels, value: Number(value[1]) }));
  };
  return {
    url: `http://${address}`,
    query,
    async until(expression) {
      for (;;) {
        const samples = await query(expression);
        if (samples.length > 0) return samples;
        await sleep(LOOK_MS);
      }
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

type QueryAnswer =
  | {
      readonly status: "success";
      readonly data: {
        readonly result: readonly {
          readonly metric: Readonly<Record<string, string>>;
          readonly value: readonly [number, string];
        }[];
      };
    }
  | { readonly status: "error"; readonly error: string };
