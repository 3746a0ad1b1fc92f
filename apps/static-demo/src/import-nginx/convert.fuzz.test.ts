import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Ajv from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { UsageError } from "../usage-error.js";
import { convertNginx } from "./convert.js";

const schema: object = JSON.parse(readFileSync(new URL("../../config.schema.json", import.meta.url), "utf8"));
const isValid = new Ajv({ strict: false }).compile(schema);

const NAMES =
  "root alias index expires add_header try_files error_page location listen server_name gzip gzip_static gzip_types autoindex return deny rewrite include charset limit_rate max_ranges types default_type access_log worker_processes sendfile ssl_certificate if proxy_pass internal";
const VALUES =
  "/srv/www /srv/ $uri $uri/ =404 /index.html 404 30d max off on -1 epoch all ~ ~* ^~ = \\.css$ (?:a|b) [z-a]* *.conf X-Mark always 80 443 ssl [::]:80 default_server _ a.example 500k 0 301 https://$host$request_uri utf-8 @named text/html 8080";

const name = fc.constantFrom(...NAMES.split(" "));
const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...VALUES.split(" ")) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(..."a/.$*~[]()?+|^\\-1"), maxLength: 8 }) },
);
const args = fc.array(value, { maxLength: 4 }).map((words) => words.join(" "));
const simple = fc.tuple(name, args).map(([first, rest]) => `${first} ${rest};`);
const location = fc
  .tuple(args, fc.array(simple, { maxLength: 4 }))
  .map(([what, inner]) => `location ${what} { ${inner.join("\n")} }`);
const server = fc
  .array(fc.oneof({ weight: 3, arbitrary: simple }, { weight: 2, arbitrary: location }), { maxLength: 8 })
  .map((inner) => `server { root /srv/www; ${inner.join("\n")} }`);
const configuration = fc.oneof(
  { weight: 4, arbitrary: server },
  {
    weight: 1,
    arbitrary: fc.tuple(simple, server, server).map(([first, a, b]) => `http { ${first} ${a} ${b} }`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(server, fc.nat(200), fc.string({ unit: fc.constantFrom(..."{};\"'\\#$\n a"), maxLength: 6 }))
      .map(([text, at, instead]) => text.slice(0, at) + instead + text.slice(at + 3)),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
);

test("whatever a configuration holds, it is converted to one that is valid, or refused with file and line", () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-nginx-fuzz-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "site.conf");
  fc.assert(
    fc.property(configuration, (text) => {
      writeFileSync(file, text);
      try {
        const { config, refusals, notes } = convertNginx(file);
        for (const line of [...refusals, ...notes]) expect(line).not.toBe("");
        if (refusals.length === 0) expect(isValid(config), JSON.stringify(isValid.errors)).toBe(true);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        expect(error.message).toContain("site.conf");
      }
    }),
    { numRuns: 1000 },
  );
});
