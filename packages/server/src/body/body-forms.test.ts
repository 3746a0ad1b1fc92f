import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { type FakeServer, fakeServer, parseResponses } from "../fake-server.fixture.js";
import type { ServerOptions } from "../options.js";
import type { MultipartOptions } from "./multipart.js";

const folder = mkdtempSync(join(tmpdir(), "body-forms-"));
afterAll(() => rmSync(folder, { recursive: true }));

function head(target: string, length: number, fields: string): string {
  return `POST ${target} HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: ${length}\r\n\r\n`;
}

/** Sends in pieces, as a network would. */
async function post(
  server: FakeServer,
  body: Uint8Array,
  fields: string,
  pieceBytes = 1 << 30,
): Promise<ReturnType<typeof parseResponses>[number]> {
  const client = server.connect();
  client.clientSend(head("/", body.byteLength, fields));
  for (let at = 0; at < body.byteLength; at += pieceBytes) {
    client.clientSend(body.subarray(at, at + pieceBytes));
    await server.settle();
  }
  for (let i = 0; i < 500 && client.received.byteLength === 0; i++) {
    await server.settle();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const answer = parseResponses(client.received)[0]!;
  client.clientReset();
  return answer;
}

describe("content codings", () => {
  const text = Buffer.from("some text, ".repeat(200));
  const coders: [string, Uint8Array][] = [
    ["gzip", gzipSync(text)],
    ["x-gzip", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["br", brotliCompressSync(text)],
    ["gzip, br", brotliCompressSync(gzipSync(text))],
    ["identity", text],
    ["Identity, GZIP", gzipSync(text)],
  ];
  const server = (options: ServerOptions = {}): Promise<FakeServer> =>
    fakeServer(async (request) => `${(await request.text()).length}`, options);

  test.each(coders)("%s is taken off", async (coding, body) => {
    for (const pieceBytes of [1 << 30, 7]) {
      const answer = await post(await server(), body, `Content-Encoding: ${coding}\r\n`, pieceBytes);
      expect(answer).toMatchObject({ status: 200, body: String(text.byteLength) });
    }
  });

  test("an unknown coding, or too many, is 415 and says what is known", async () => {
    for (const coding of ["zip", "constructor", "gzip, gzip, gzip"]) {
      const answer = await post(await server(), text, `Content-Encoding: ${coding}\r\n`);
      expect(answer.status).toBe(415);
      expect(answer.fields["accept-encoding"]).toBe("gzip, br, deflate");
    }
  });

  test.each(["gzip", "br", "deflate"])("a bomb of %s is stopped at maxBodyBytes", async (coding) => {
    const zeros = Buffer.alloc(8 * 1024 * 1024);
    const bomb = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync }[coding]!(zeros);
    expect(bomb.byteLength).toBeLessThan(20_000);
    const seen: number[] = [];
    const guarded = await fakeServer(
      async (request) => {
        let bytes = 0;
        for await (const chunk of request.content()) {
          bytes += chunk.byteLength;
          seen[0] = bytes;
        }
        return "all";
      },
      { maxBodyBytes: 100_000 },
    );
    expect((await post(guarded, bomb, `Content-Encoding: ${coding}\r\n`)).status).toBe(413);
    expect(seen[0]).toBeLessThanOrEqual(100_000);
  });

  test("what is not in its coding, or is cut, is 400", async () => {
    const cut = gzipSync(text).subarray(0, 20);
    for (const body of [text, cut]) {
      expect((await post(await server(), body, "Content-Encoding: gzip\r\n")).status).toBe(400);
    }
  });
});

test("a form is read by its type, another type is 415", async () => {
  const server = await fakeServer(async (request) => [...(await request.form())]);
  const body = Buffer.from("a=1&b=%C3%BC+x&a=2");
  const form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
  expect((await post(server, body, form)).body).toBe(
    Buffer.from('[["a","1"],["b","ü x"],["a","2"]]').toString("latin1"),
  );
  const other = await post(server, body, "Content-Type: text/plain\r\n");
  expect(other).toMatchObject({ status: 415, fields: { accept: "application/x-www-form-urlencoded" } });
});

describe("multipart", () => {
  const boundary = "----boundary7";
  const type = `Content-Type: multipart/form-data; boundary=${boundary}\r\n`;
  const part = (disposition: string, content: string, more = ""): string =>
    `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\n${content}\r\n`;
  const form = (...parts: string[]): Buffer => Buffer.from(`${parts.join("")}--${boundary}--\r\n`);
  const file = (name: string, content: string): string =>
    part(`name="f"; filename="${name}"`, content, "Content-Type: text/css\r\n");

  test("fields and files arrive; files are gone after the answer, unless they were renamed", async () => {
    const kept = join(folder, "kept.css");
    const paths: string[] = [];
    const server = await fakeServer(async (request) => {
      const { fields, files } = await request.multipart({ directory: folder });
      for (const { path } of files) {
        paths.push(path);
        expect(statSync(path).mode & 0o777).toBe(0o600);
        expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
      }
      renameSync(files[1]!.path, kept);
      return { fields: [...fields], files: files.map(({ path: _path, ...rest }) => rest) };
    });
    const large = "x".repeat(300_000);
    const body = form(
      part('name="a"', "1"),
      file("../../etc/passwd", large),
      part('name="a"', "2"),
      file("b.css", "b{}"),
    );
    for (const pieceBytes of [1 << 30, 50_001]) {
      const answer = await post(server, body, type, pieceBytes);
      expect(JSON.parse(answer.body)).toEqual({
        fields: [
          ["a", "1"],
          ["a", "2"],
        ],
        files: [
          { field: "f", name: expect.not.stringContaining("/"), type: "text/css", byteLength: 300_000 },
          { field: "f", name: "b.css", type: "text/css", byteLength: 3 },
        ],
      });
      expect(readFileSync(kept, "utf8")).toBe("b{}");
    }
    await server.app.close();
    expect(paths).toHaveLength(4);
    for (const path of paths) {
      expect(path.startsWith(folder)).toBe(true);
      expect(existsSync(path)).toBe(false);
    }
    rmSync(kept);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each<[string, MultipartOptions, string[], number]>([
    ["files", { maxFiles: 1 }, [file("a", "1"), file("b", "2")], 413],
    ["files at the limit", { maxFiles: 2 }, [file("a", "1"), file("b", "2")], 200],
    ["file bytes", { maxFileBytes: 9 }, [file("a", "0123456789")], 413],
    ["file bytes at the limit", { maxFileBytes: 10 }, [file("a", "0123456789")], 200],
    ["fields", { maxFields: 1 }, [part('name="a"', "1"), part('name="b"', "1")], 413],
    ["field bytes", { maxFieldBytes: 9 }, [part('name="a"', "0123456789")], 413],
    ["field bytes at the limit", { maxFieldBytes: 10 }, [part('name="a"', "0123456789")], 200],
    ["all", {}, [file("a", "x".repeat(2_000_000))], 413],
  ])("limits: %s", async (_name, options, parts, status) => {
    const server = await fakeServer(async (request) => {
      await request.multipart({ directory: folder, ...options });
      return "ok";
    });
    expect((await post(server, form(...parts), type)).status).toBe(status);
    await server.app.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a body that is no such form is 400, another type 415, an unknown option is named", async () => {
    const server = await fakeServer(async (request) => {
      await request.multipart({ directory: folder });
      return "ok";
    });
    const whole = form(file("a", "1"));
    expect((await post(server, whole.subarray(0, whole.byteLength - 20), type)).status).toBe(400);
    expect((await post(server, whole, "Content-Type: multipart/form-data\r\n")).status).toBe(400);
    expect((await post(server, whole, "Content-Type: text/plain\r\n")).status).toBe(415);
    const errors: unknown[] = [];
    const wrong = await fakeServer((request) => request.multipart({ maxFile: 1 } as MultipartOptions));
    wrong.app.onError((error) => errors.push(error));
    expect((await post(wrong, whole, type)).status).toBe(500);
    expect(String(errors[0])).toMatch(/unknown option "maxFile"; allowed: directory, maxFiles/);
    await server.app.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a client that leaves in the middle leaves no file", async () => {
    const server = await fakeServer((request) => request.multipart({ directory: folder }));
    const client = server.connect();
    const body = form(file("a", "x".repeat(50_000)));
    client.clientSend(head("/", body.byteLength, type));
    client.clientSend(body.subarray(0, 30_000));
    while (readdirSync(folder).length === 0) await server.settle();
    client.clientReset();
    await server.settle();
    await server.app.close();
    expect(readdirSync(folder)).toEqual([]);
  });
});
