import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { ServerError } from "../errors.js";
import { readMultipart, removeUploads } from "./multipart.js";

const BOUNDARY = "xYzZY";
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

const name = fc.string({ unit: fc.constantFrom(..."abc.ä "), minLength: 1, maxLength: 6 });
/** Among them what looks like the boundary's beginning. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc.constantFrom(..."\r\n|\r\n--|--|\r\n--xYz|\r".split("|")).map((text) => Buffer.from(text)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts))
  .filter((bytes) => !bytes.includes(`--${BOUNDARY}`));
const part = fc.record({ name, content, file: fc.option(name, { nil: undefined }) });
const cuts = fc.array(fc.nat(400), { maxLength: 12 });

type Part = { readonly name: string; readonly content: Buffer; readonly file: string | undefined };

function written(parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap((each) => {
    const file =
      each.file === undefined ? "" : `; filename="${each.file}"\r\nContent-Type: application/octet-stream`;
    return [
      Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${each.name}"${file}\r\n\r\n`),
      each.content,
      Buffer.from("\r\n"),
    ];
  });
  return Buffer.concat([...pieces, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

async function* inPieces(bytes: Buffer, at: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const end of [
    ...at.filter((cut) => cut > 0 && cut < bytes.length).sort((a, b) => a - b),
    bytes.length,
  ]) {
    if (end > start) yield bytes.subarray(start, end);
    start = end;
  }
}

/** What came of it, as plain data; the uploads are gone afterwards. */
async function outcome(folder: string, bytes: Buffer, at: readonly number[]): Promise<unknown> {
  let directory: string | undefined;
  try {
    const form = await readMultipart(
      inPieces(bytes, at),
      TYPE,
      { directory: folder, maxFiles: 20 },
      (path) => {
        directory = path;
      },
    );
    return {
      fields: [...form.fields],
      files: form.files.map(({ field, name: given, path, byteLength }) => {
        const content = readFileSync(path);
        expect(content.byteLength).toBe(byteLength);
        return { field, name: given, content: content.toString("latin1") };
      }),
    };
  } catch (error) {
    if (error instanceof ServerError) return error.code;
    throw error;
  } finally {
    if (directory !== undefined) await removeUploads(directory);
  }
}

function folderOfOurs(): string {
  const folder = mkdtempSync(join(tmpdir(), "multipart-fuzz-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("a form is the same wherever the network cuts it", async () => {
  const folder = folderOfOurs();
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 4 }), cuts, async (parts, at) => {
      const bytes = written(parts);
      const whole = await outcome(folder, bytes, []);
      expect(await outcome(folder, bytes, at)).toEqual(whole);
      const files = parts.filter(({ file }) => file !== undefined);
      expect((whole as { files: { content: string }[] }).files.map((file) => file.content)).toEqual(
        files.map((file) => file.content.toString("latin1")),
      );
    }),
    { numRuns: 100 },
  );
});

test("what is no form is refused, or read as the form that it is, wherever it is cut", async () => {
  const folder = folderOfOurs();
  const broken = fc
    .tuple(fc.array(part, { maxLength: 3 }), fc.nat(300), fc.nat(60), fc.uint8Array({ maxLength: 20 }))
    .map(([parts, at, length, instead]) => {
      const bytes = written(parts);
      return Buffer.concat([bytes.subarray(0, at), instead, bytes.subarray(at + length)]);
    });
  await fc.assert(
    fc.asyncProperty(broken, cuts, async (bytes, at) => {
      expect(await outcome(folder, bytes, at)).toEqual(await outcome(folder, bytes, []));
    }),
    { numRuns: 100 },
  );
});
