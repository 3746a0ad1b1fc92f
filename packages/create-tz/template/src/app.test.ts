import assert from "node:assert";
import { after, before, test } from "node:test";
import { createApp } from "./app.js";

const app = createApp();
let address = "";
before(async () => {
  const { port } = await app.listen({ port: 0 });
  address = `http://127.0.0.1:${port}`;
});
after(() => app.close({ timeoutMs: 0 }));

const post = (body: unknown) =>
  fetch(`${address}/api/notes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

test("a note is kept and found again", async () => {
  const made = await post({ text: "hello" });
  assert.strictEqual(made.status, 201);
  assert.deepStrictEqual(await made.json(), { id: 1, text: "hello" });
  const found = await fetch(`${address}/api/notes/1`);
  assert.deepStrictEqual(await found.json(), { id: 1, text: "hello" });
});

test("what is no note is refused", async () => {
  assert.strictEqual((await post({})).status, 422);
  assert.strictEqual((await fetch(`${address}/api/notes/99`)).status, 404);
});

test("the site is served", async () => {
  const page = await fetch(`${address}/`);
  assert.strictEqual(page.headers.get("content-type"), "text/html; charset=utf-8");
  assert.match(await page.text(), /<h1>Notes<\/h1>/);
});
