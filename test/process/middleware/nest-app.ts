import "reflect-metadata";
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { All, Controller, Module, Req, Res, StreamableFile } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { NestExpressApplication } from "@nestjs/platform-express";
import type { Request, Response } from "express";
import { attemptOf, createIdempotency } from "../../../src/middleware/http.ts";
import { nest as holdfastNest } from "../../../src/middleware/nest.ts";
import { type App, appOf, ROUTE, type StartApp } from "./app.ts";
import { send } from "./express-app.ts";

export const startNest: StartApp = (...what) => startNestWith({ passthrough: true }, ...what);

/** The method answers by itself: @Res() without passthrough. */
export const startNestWithResponse: StartApp = (...what) => startNestWith({ passthrough: false }, ...what);

async function startNestWith(
  { passthrough }: { readonly passthrough: boolean },
  ...[holdfast, handler, options]: Parameters<StartApp>
): Promise<App> {
  const principal = (request: Request) => request.get("x-user") ?? "";

  class Orders {
    async pay(request: Request, response: Response): Promise<unknown> {
      const attempt = attemptOf(request);
      const reply = await handler({ attempt, id: String(request.params["id"]), body: request.body });
      response.status(reply.status).set(reply.headers ?? {});
      if (!passthrough) return await send(response, reply);
      if (reply.body instanceof ReadableStream) {
        const file = new StreamableFile(Readable.fromWeb(reply.body as NodeReadableStream));
        // Nest's own handler of a broken stream answers 400, or ends a body that is cut: either would be an answer.
        return file.setErrorHandler((_, response) => response.destroy?.());
      }
      return reply.body instanceof Uint8Array ? new StreamableFile(reply.body) : reply.body;
    }
  }
  class Main {}
  // Decorators are plain functions: Node strips types, and no decorators.
  const pay = Object.getOwnPropertyDescriptor(Orders.prototype, "pay") ?? {};
  All(ROUTE)(Orders.prototype, "pay", pay);
  Req()(Orders.prototype, "pay", 0);
  Res({ passthrough })(Orders.prototype, "pay", 1);
  Controller()(Orders);
  Module({ controllers: [Orders] })(Main);

  const app = await NestFactory.create<NestExpressApplication>(Main, { logger: false, forceCloseConnections: true });
  app.useBodyParser("json", { limit: "4mb" });
  app.useBodyParser("raw", { limit: "4mb" });
  app.useGlobalInterceptors(holdfastNest(createIdempotency(holdfast, { ...options, principal })));
  await app.listen(0, "127.0.0.1");
  return appOf(app.getHttpServer(), () => app.close());
}
