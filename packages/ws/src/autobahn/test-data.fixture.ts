/** Stand-ins for the five data files of Autobahn's classes 12 and 13, made and not copied. */
import { deflateRawSync } from "node:zlib";
import { seededRandom } from "../wire.fixture.js";

const BYTES = 512 * 1024;

function until(bytes: number, next: (at: number) => string): Buffer {
  const parts: string[] = [];
  for (let length = 0, at = 0; length < bytes; at++) {
    const part = next(at);
    parts.push(part);
    length += part.length;
  }
  return Buffer.from(parts.join(""));
}

function prose(): Buffer {
  const random = seededRandom(7);
  const syllables =
    "ge der ver und schön über ein lich keit tag nacht welt geist müh streb irr mensch wort".split(" ");
  const word = () =>
    Array.from({ length: 1 + Math.floor(random() * 3) }, () => syllables[Math.floor(random() * 18)]).join("");
  return until(BYTES, (at) => `${word()}${at % 11 === 10 ? ".\n" : " "}`);
}

function picture(): Buffer {
  const random = seededRandom(11);
  const pixels = Buffer.alloc(512 * 512);
  for (let at = 0; at < pixels.length; at++) {
    const [x, y] = [at & 511, at >> 9];
    pixels[at] = 128 + 90 * Math.sin(x / 40) * Math.cos(y / 60) + random() * 8;
  }
  return pixels;
}

function documentWithStreams(): Buffer {
  const text = prose();
  const parts = Array.from({ length: 24 }, (_, at) => [
    Buffer.from(`${at} 0 obj\n<< /Length ${at} /Filter /FlateDecode >>\nstream\n`),
    deflateRawSync(text.subarray(at * 15000, at * 15000 + 15000)),
    Buffer.from("\nendstream\nendobj\n"),
  ]);
  return Buffer.concat(parts.flat());
}

function json(): Buffer {
  const random = seededRandom(13);
  const row = (id: number) =>
    JSON.stringify({
      id,
      name: `user ${id % 97}`,
      score: random() * 1000,
      tags: ["a", `t${id % 7}`],
      on: id % 3 === 0,
    });
  return until(BYTES, (at) => `${at === 0 ? "[" : ",\n"}${row(at)}`);
}

function html(): Buffer {
  const random = seededRandom(17);
  return until(
    BYTES,
    (at) =>
      `<tr class="row-${at % 2}"><td>${at}</td><td><a href="/item/${at}">Item ${Math.floor(random() * 1e6)}</a></td></tr>\n`,
  );
}

export interface TestData {
  readonly name: string;
  readonly isText: boolean;
  readonly bytes: () => Buffer;
}

function once(make: () => Buffer): () => Buffer {
  let made: Buffer | undefined;
  return () => (made ??= make());
}

export const JSON_DATA: TestData = { name: "JSON", isText: true, bytes: once(json) };

/** In the order of the classes 12.1 to 12.5. */
export const TEST_DATA: readonly TestData[] = [
  { name: "prose", isText: false, bytes: once(prose) },
  { name: "a picture", isText: false, bytes: once(picture) },
  { name: "a document", isText: false, bytes: once(documentWithStreams) },
  JSON_DATA,
  { name: "HTML", isText: true, bytes: once(html) },
];
