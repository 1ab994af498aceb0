import { expect, test } from "vitest";
import { captureWeb, readBody } from "../../../src/middleware/web/capture.ts";

function stream(chunks: number) {
  let sent = 0;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (sent === chunks) return controller.close();
        sent++;
        controller.enqueue(new Uint8Array(100));
      },
      cancel() {
        isCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, sent: () => sent, isCancelled: () => isCancelled };
}

test("a body is read up to its bound, and no further", async () => {
  expect(await readBody(stream(10).body, 1000)).toHaveLength(1000);
  const large = stream(1000);
  expect(await readBody(large.body, 1000)).toBe("too-large");
  expect(large.sent()).toBe(11);
  expect(large.isCancelled()).toBe(true);
});

test("a response within the bound is whole when it is captured", async () => {
  const { response, isWhole, done } = await captureWeb(new Response(stream(10).body, { status: 201 }), 1000);
  expect({ isWhole, status: response.status }).toEqual({ isWhole: true, status: 201 });
  expect((await done).body).toHaveLength(1000);
  expect((await response.arrayBuffer()).byteLength).toBe(1000);
});

test("one over the bound goes through, and does not end before it is released", async () => {
  const captured = await captureWeb(new Response(stream(20).body), 1000);
  expect(captured.isWhole).toBe(false);
  const reading = captured.response.arrayBuffer();
  expect((await captured.done).body).toBeNull();
  const first = await Promise.race([reading.then(() => "ended"), Promise.resolve("open")]);
  expect(first).toBe("open");
  captured.release();
  expect((await reading).byteLength).toBe(2000);
});

test("one over the bound is read to its end when nobody wants it any more", async () => {
  const source = stream(50);
  const { response, done } = await captureWeb(new Response(source.body), 1000);
  await response.body?.cancel();
  expect((await done).body).toBeNull();
  expect(source.sent()).toBe(50);
  expect(source.isCancelled()).toBe(false);
});

test("a body that breaks is the handler's error, before the bound and behind it", async () => {
  const breaking = (after: number) => {
    let sent = 0;
    return new Response(
      new ReadableStream({
        pull(controller) {
          if (sent++ === after) controller.error(new Error("broken"));
          else controller.enqueue(new Uint8Array(100));
        },
      }),
    );
  };
  await expect(captureWeb(breaking(3), 1000)).rejects.toThrow("broken");
  const { response, done } = await captureWeb(breaking(30), 1000);
  const reading = response.arrayBuffer();
  await expect(done).rejects.toThrow("broken");
  await expect(reading).rejects.toThrow("broken");
});
