import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { expect, test } from "vitest";
import { express as holdfastExpress } from "../../../src/middleware/express.ts";
import { createIdempotency, type IdempotencyOptions } from "../../../src/middleware/http.ts";
import { createFakeServer } from "../client/fake-server.ts";

async function start(mount: (app: Express, idempotent: ReturnType<typeof holdfastExpress<Request>>) => void) {
  return await startWith({}, mount);
}

async function startWith(
  options: Partial<IdempotencyOptions<Request>>,
  mount: (app: Express, idempotent: ReturnType<typeof holdfastExpress<Request>>) => void,
) {
  const fake = createFakeServer();
  const app = express();
  const idempotency = createIdempotency<Request>(fake.client(), { principal: () => "", clock: fake.clock, ...options });
  mount(app, holdfastExpress(idempotency));
  app.use((error: Error, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    response.status(500).send(error.message);
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const post = async (path: string, body = "{}", type: string | undefined = "application/json") => {
    const headers = { "idempotency-key": '"k"', ...(type === "" ? {} : { "content-type": type }) };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers, body });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return {
    post,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

test.each([
  [
    "throws behind its first bytes",
    async (response: Response) => {
      response.write("half");
      throw new Error("a bug");
    },
  ],
  [
    "pipes what breaks",
    async (response: Response) => {
      const half = async function* () {
        yield "half";
        throw new Error("broken off");
      };
      await pipeline(Readable.from(half()), response);
    },
  ],
  [
    "destroys its response",
    async (response: Response) => {
      response.destroy();
    },
  ],
])("a handler that %s cuts its client off, and the next request runs it again", async (_, breakOff) => {
  let runs = 0;
  await using app = await start((to, idempotent) => {
    to.post("/a", express.json(), idempotent, async (_request, response) => {
      if (++runs === 1) await breakOff(response);
      else response.status(201).send("whole");
    });
  });
  await expect(app.post("/a")).rejects.toThrow();
  expect(await app.post("/a")).toMatchObject({ status: 201, text: "whole" });
});

test("however a client spells the path of a router, a key is not run twice", async () => {
  let runs = 0;
  await using app = await start((to, idempotent) => {
    const router = express.Router().post("/charges", idempotent, (_, response) => {
      runs++;
      response.status(201).end();
    });
    to.use(express.json()).use("/tenants/:tenant", router);
  });
  expect((await app.post("/tenants/7/charges")).status).toBe(201);
  for (const path of ["/Tenants/7/charges", "/tenants/7/Charges", "/tenants/7/charges/"]) {
    expect((await app.post(path)).status).toBe(422);
  }
  expect(runs).toBe(1);
});

test("a route that is named is the scope", () => {
  expect(() =>
    holdfastExpress(createIdempotency(createFakeServer().client(), { principal: () => "" }), { route: "" }),
  ).toThrow("route must be a template");
});

test("what adds headers when the head is written adds them to a captured response too", async () => {
  await using app = await start((to, idempotent) => {
    const hook = (_request: Request, response: Response, next: NextFunction) => {
      const { writeHead } = response;
      response.writeHead = ((...values: Parameters<typeof writeHead>) => {
        response.setHeader("set-cookie", "sid=1");
        return writeHead.apply(response, values);
      }) as typeof writeHead;
      next();
    };
    to.post("/a", express.json(), idempotent, hook, (_, response) => void response.status(201).json({ a: 1 }));
  });
  const answer = await app.post("/a");
  expect(answer).toMatchObject({ status: 201, text: '{"a":1}' });
  expect(answer.headers.get("set-cookie")).toBe("sid=1");
});

test.each([
  ["a body that no parser has read", { body: "amount=1", type: "text/csv" }, 'of type "text/csv" is not parsed'],
  ["a multipart body", { body: "--b--", type: "multipart/form-data; boundary=b" }, "of a multipart body"],
])("%s is refused, unless there is a fingerprint", async (_, { body, type }, message) => {
  const mount: Parameters<typeof start>[0] = (to, idempotent) => {
    // As Express 4 leaves it.
    const bare = (request: Request, _response: Response, next: NextFunction) => {
      request.body ??= {};
      next();
    };
    to.post("/a", express.json(), bare, idempotent, (_request, response) => void response.status(201).end());
  };
  await using app = await start(mount);
  const answer = await app.post("/a", body, type);
  expect(answer.status).toBe(500);
  expect(answer.text).toContain(message);
  await using own = await startWith({ fingerprint: (request) => request.get("content-length") ?? "" }, mount);
  expect((await own.post("/a", body, type)).status).toBe(201);
});
