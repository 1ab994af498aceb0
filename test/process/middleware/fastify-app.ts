import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { fastify as holdfastFastify } from "../../../src/middleware/fastify.ts";
import { attemptOf, createIdempotency } from "../../../src/middleware/http.ts";
import { appOf, type Reply, ROUTE, type StartApp } from "./app.ts";

export const startFastify: StartApp = async (holdfast, handler, options) => {
  const principal = (request: FastifyRequest) => String(request.headers["x-user"] ?? "");
  const idempotent = holdfastFastify(createIdempotency(holdfast, { ...options, principal }));
  const app = fastify({ bodyLimit: 4 * 1024 * 1024, forceCloseConnections: true });
  app.addContentTypeParser("application/octet-stream", { parseAs: "buffer" }, (_, body, done) => done(null, body));
  app.all<{ Params: { id: string } }>(ROUTE, { preHandler: idempotent }, async (request, reply) => {
    const attempt = attemptOf(request);
    return send(reply, await handler({ attempt, id: request.params.id, body: request.body }));
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  return appOf(app.server, () => app.close());
};

function send(reply: FastifyReply, { status, headers = {}, body }: Reply): FastifyReply {
  reply.code(status).headers(headers);
  if (body instanceof ReadableStream) return reply.send(Readable.fromWeb(body as NodeReadableStream));
  return reply.send(body instanceof Uint8Array ? Buffer.from(body) : body);
}
