import packageJson from "../../../package.json" with { type: "json" };
import {
  canonicalJson,
  createClient,
  fingerprint,
  type Holdfast,
  type OnceOptions,
} from "../../../src/client/client.ts";
import { type Answer, errorOf, Named, retryOf } from "./errors.ts";
import { given, parse, told } from "./values.ts";
import { showEvent } from "./waits.ts";
import { checkpointOf, deriveKey, type Played, playJudge, playWork, type Step } from "./work.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface Operations {
  /** What it resolves to is the answer, and what it rejects with the error. */
  run(id: number, op: string, fields: object): Promise<object>;
}

const FEATURES = ["fingerprint", "keys", "retry", "errors", "once", "wait-for", "result", "reconcile", "cancel"];

/** @param write an event, as a line */
export function createOperations(write: (event: object) => void): Operations {
  const clients = new Map<string, Holdfast>();
  const playing = new Map<number, Played<unknown>>();
  const open = new Map<number, AbortController>();

  const clientOf = (fields: Fields): Holdfast => {
    const client = clients.get(String(fields["client"]));
    if (client === undefined) throw new Named("Unsupported", `no client "${fields["client"]}" is open`);
    return client;
  };

  const play = async <T>(call: number, played: Played<T>, event: object): Promise<T> => {
    playing.set(call, played);
    write(event);
    try {
      return await played.end;
    } finally {
      playing.delete(call);
    }
  };

  const once = async (call: number, fields: Fields, signal: AbortSignal) => {
    const { client: _, input, ...options } = fields;
    const full = { ...options, input: parse(String(input)), signal } as OnceOptions<unknown>;
    const done = await clientOf(fields).once(full, (attempt) => {
      const { number, fence, reason } = attempt;
      const event = { event: "work", call, attempt: number, fence: String(fence), reason };
      return play(call, playWork(attempt), { ...event, checkpoint: checkpointOf(attempt) });
    });
    return { ...told(done.value), replayed: done.replayed, attempt: done.attempt };
  };

  const reconcile = async (call: number, fields: Fields, signal: AbortSignal) => {
    const { client: _, ...options } = fields as Fields & { scope: string; key: string; leaseMs?: number };
    const found = await clientOf(fields).reconcile({ ...options, signal }, (unknown) => {
      const { externalRef } = unknown;
      const checkpoint = checkpointOf(unknown);
      return play(call, playJudge(unknown), { event: "judge", call, externalRef, checkpoint });
    });
    const kind = found.kind === "superseded" ? "contended" : found.kind;
    return { value: null, ...(found.kind === "completed" && told(found.value)), kind };
  };

  const waitFor = async (call: number, fields: Fields, signal: AbortSignal) => {
    const { client: _, targets, ...options } = fields as Fields & { targets: { scope: string; key: string }[] };
    for await (const event of clientOf(fields).waitFor(targets, { ...options, signal })) write(showEvent(call, event));
    return {};
  };

  const result = async (fields: Fields, signal: AbortSignal) => {
    const { client: _, scope, key, ...options } = fields as Fields & { scope: string; key: string };
    return told(await clientOf(fields).result({ scope, key }, { ...options, signal }));
  };

  /** What `cancel` ends. */
  const cancellable = async (call: number, begin: (signal: AbortSignal) => Promise<object>) => {
    const controller = new AbortController();
    open.set(call, controller);
    try {
      return await begin(controller.signal);
    } finally {
      open.delete(call);
    }
  };

  const answer = async (id: number, op: string, fields: Fields): Promise<object> => {
    switch (op) {
      case "hello":
        return { client: "holdfast-typescript", ...about(), features: FEATURES };
      case "fingerprint":
        return fingerprintOf(fields);
      case "derive-key":
        return deriveKey(fields as Parameters<typeof deriveKey>[0]);
      case "retry":
        return retryOf(fields as unknown as Answer);
      case "error":
        return errorOf(fields as unknown as Answer);
      case "open":
        clients.set(String(fields["client"]), openClient(fields));
        return {};
      case "close":
        await clientOf(fields).close();
        clients.delete(String(fields["client"]));
        return {};
      case "once":
        return await cancellable(id, (signal) => once(id, fields, signal));
      case "wait-for":
        return await cancellable(id, (signal) => waitFor(id, fields, signal));
      case "result":
        return await cancellable(id, (signal) => result(fields, signal));
      case "reconcile":
        return await cancellable(id, (signal) => reconcile(id, fields, signal));
      case "cancel":
        open.get(Number(fields["call"]))?.abort(new Named("Cancelled", "cancelled by the runner"));
        return {};
      case "step": {
        const played = playing.get(Number(fields["call"]));
        if (played === undefined) throw new Named("Unsupported", `call ${fields["call"]} runs no work`);
        return await played.step(fields as unknown as Step);
      }
      default:
        throw new Named("Unsupported", `no operation "${op}"`);
    }
  };

  return { run: (id, op, fields) => answer(id, op, fields as Fields) };
}

function about() {
  return { version: packageJson.version, language: `typescript on node ${process.version}` };
}

function openClient({ addresses, tenant, apiKey, service, tryTimeoutMs, totalTimeoutMs }: Fields): Holdfast {
  return createClient({
    addresses: addresses as readonly string[],
    ...(tenant !== undefined && { tenant: String(tenant) }),
    ...(apiKey !== undefined && { apiKey: String(apiKey) }),
    ...(service !== undefined && { owner: { service: String(service) } }),
    retry: {
      ...(tryTimeoutMs !== undefined && { tryTimeoutMs: Number(tryTimeoutMs) }),
      ...(totalTimeoutMs !== undefined && { totalTimeoutMs: Number(totalTimeoutMs) }),
    },
    onWarning: ({ kind, scope, error }) => process.stderr.write(`${kind} (scope ${scope}): ${error?.message ?? ""}\n`),
  });
}

function fingerprintOf({ json, base64 }: { readonly json?: string; readonly base64?: string }) {
  const input = json === undefined ? given({ base64: base64 ?? "" }) : parse(json);
  const { algorithm, digest } = fingerprint(input);
  const canonical = json === undefined ? null : canonicalJson(input);
  return { algorithm, digest: Buffer.from(digest).toString("hex"), canonical };
}
