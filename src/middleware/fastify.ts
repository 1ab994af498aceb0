import type { ServerResponse } from "node:http";
import type { Idempotency } from "./http/idempotency.ts";
import type { Answer } from "./http/response.ts";
import { handleNode, type ParsedRequest } from "./node/handle.ts";

/** What of a Fastify request is read. */
export interface FastifyRequest extends ParsedRequest {
  readonly originalUrl: string;
  readonly raw: object;
  readonly routeOptions: { readonly url?: string | undefined };
}

/** What of a Fastify reply is used. */
export interface FastifyReply {
  readonly raw: ServerResponse;
  code(status: number): unknown;
  header(name: string, value: string | string[]): unknown;
  send(body?: unknown): unknown;
}

/**
 * A preHandler hook for Fastify, of a route or of all routes of a scope:
 *
 * @example
 * app.post("/charges", { preHandler: [authenticate, holdfastFastify(idempotency)] }, createCharge);
 */
export function fastify<Req extends FastifyRequest>(idempotency: Idempotency<Req>) {
  return (request: Req, reply: FastifyReply, done: (error?: Error) => void): void => {
    const exchange = {
      ...{ request, target: request.originalUrl, route: request.routeOptions.url ?? "/*", response: reply.raw },
      also: [request.raw],
      proceed: () => done(),
      send: (answer: Answer) => send(reply, answer),
    };
    handleNode(idempotency, exchange).catch(done);
  };
}

/** Through the reply, so that hooks which send headers of their own are not passed by. */
function send(reply: FastifyReply, { status, headers, body }: Answer): void {
  reply.code(status);
  const names = new Set(headers.map(([name]) => name));
  for (const name of names) {
    const values = headers.flatMap(([each, value]) => (each === name ? [value] : []));
    reply.header(name, values.length === 1 ? String(values[0]) : values);
  }
  reply.send(body.length === 0 ? undefined : Buffer.from(body.buffer, body.byteOffset, body.byteLength));
}
