import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const target = fileURLToPath(new URL("./tz.mjs", import.meta.url));
const user = { id: "1", name: "Ada", email: "ada@example.org", age: 36, tags: ["a"], metadata: { x: 1 } };

describe.each(["epoll", "node"])("loop %s", (loop) => {
  let url: string;

  beforeAll(async () => {
    const args = ["--import", tsx, "--conditions=@tz/source", target, "--port", "0", "--loop", loop];
    const child: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];
    url = /http:\S+/.exec(line.toString())?.[0] ?? "";
    return async () => {
      child.kill("SIGTERM");
      const [code] = (await once(child, "exit")) as [number | null];
      expect(code).toBe(0);
    };
  });

  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(new URL(path, url), init);
    return {
      status: response.status,
      type: response.headers.get("content-type"),
      text: await response.text(),
    };
  };
  const post = (body: string) => ask("/users", { method: "POST", body });

  test("the fixed routes", async () => {
    expect(await ask("/plaintext")).toMatchObject({ status: 200, text: "Hello, World!" });
    expect(await ask("/json")).toEqual({
      status: 200,
      type: "application/json",
      text: '{"message":"Hello, World!"}',
    });
  });

  test("a route with a parameter", async () => {
    expect((await ask("/users/42")).text).toBe('{"id":"42"}');
    expect((await ask("/users/a%20%C3%BC?x=1")).text).toBe('{"id":"a ü"}');
    expect((await ask("/users/%ff")).status).toBe(400);
  });

  test("a valid user is created", async () => {
    const { status, text } = await post(JSON.stringify(user));
    expect([status, JSON.parse(text)]).toEqual([201, user]);
  });

  test("a wrong user is refused with the place of each problem", async () => {
    const { status, type, text } = await post(JSON.stringify({ ...user, email: "no", age: 1.5 }));
    expect([status, type]).toEqual([422, "application/problem+json"]);
    expect(JSON.parse(text).errors).toEqual([
      "/email must be an e-mail address",
      "/age must be a whole number from 0 to 150",
    ]);
    expect((await post("[]")).status).toBe(422);
    expect((await post("{")).status).toBe(400);
  });

  test("everything else is echoed", async () => {
    const body = "x".repeat(300_000);
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      expect(await ask("/anything?at=all", { method, body })).toMatchObject({ status: 200, text: body });
    }
    expect(await ask("/")).toMatchObject({ status: 200, text: "" });
    expect(await ask("/plaintext", { method: "POST", body: "a" })).toMatchObject({ status: 200, text: "a" });
  });
});
