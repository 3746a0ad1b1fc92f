import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { configSchema } from "./config-schema.js";
import { CONFIG, type Config, dashed, variableOf } from "./config-table.js";
import { readConfig } from "./read-config.js";

function configFile(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), "tz-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "cloudterm.json");
  writeFileSync(path, content);
  return path;
}

const read = (args: readonly string[], env = {}) => readConfig(args, "1.2.3", env) as Config;

test("defaults, file, environment, command line: the later wins", () => {
  expect(read([]).port).toBe(7681);
  const path = configFile(
    '{"$schema": "x", "port": 1, "maxTerminals": 2, "hosts": ["a.example"], "insecureHttp": true}',
  );
  expect(read(["--config", path])).toMatchObject({
    port: 1,
    maxTerminals: 2,
    hosts: ["a.example"],
    insecureHttp: true,
  });
  const env = {
    TZ_CLOUDTERM_CONFIG: path,
    TZ_CLOUDTERM_PORT: "3",
    TZ_CLOUDTERM_HOSTS: "b.example,c.example:8443",
  };
  expect(read([], env)).toMatchObject({ port: 3, maxTerminals: 2, hosts: ["b.example", "c.example:8443"] });
  expect(read(["--port", "4", "--hosts", "d.example", "--hosts", "e.example"], env)).toMatchObject({
    port: 4,
    hosts: ["d.example", "e.example"],
  });
});

test.each([
  [["--port", "70000"], {}, '--port is "70000"; allowed: a whole number from 0 to 65535 (port)'],
  [["--port", "1e3"], {}, "--port is"],
  [
    [],
    { TZ_CLOUDTERM_SESSION_IDLE_MS: "soon" },
    'TZ_CLOUDTERM_SESSION_IDLE_MS is "soon"; allowed: a whole number',
  ],
  [["--base-path", "term/"], {}, "allowed: a path such as /term"],
  [["--redis", "localhost"], {}, "allowed: redis://"],
  [["--hash-scheme", "md5"], {}, "allowed: argon2id, bcrypt"],
  [["--tls-cert", "x"], {}, "--tls-cert and --tls-key go together"],
  [["--auth-header", "Remote-User"], {}, "--auth-header and --auth-header-peers go together"],
  [["--auth-header-peers", "loopback"], {}, "--auth-header and --auth-header-peers go together"],
  [["--auth-header", "Remote User"], {}, "allowed: the name of a field"],
  [["--oidc-issuer", "https://sso.example"], {}, "--oidc-issuer and --oidc-client-id go together"],
  [["--oidc-scope", "profile"], {}, "allowed: openid and further scopes"],
  [["--oidc-redirect-url", "https://term.example/"], {}, "api/oidc/callback behind it"],
  [["--internal-url", "10.0.0.1:7681"], {}, "allowed: http://host:port"],
  [["--max-file-bytes", "-1"], {}, "allowed: a whole number from 0"],
  [["--ssh-only"], {}, "--ssh-only needs --ssh-hosts"],
  [["--nonsense"], {}, "unknown option '--nonsense'"],
  [["extra"], {}, "too many arguments"],
  [["--config", "/does/not/exist"], {}, "no such file"],
])("%j %j is refused: %s", (args, env, message) => {
  expect(() => read(args, env)).toThrow(message);
});

test("a file with a setting that is none, or of another type, is refused", () => {
  expect(() => read(["--config", configFile('{"prot": 1}')])).toThrow(/has "prot"; allowed: host, port/);
  expect(() => read(["--config", configFile('{"port": "x"}')])).toThrow(/"port" in .* is "x"; allowed/);
  expect(() => read(["--config", configFile('{"hosts": [1]}')])).toThrow(/names with an optional port/);
  expect(() => read(["--config", configFile("[]")])).toThrow(/no JSON object/);
  expect(() => read(["--config", configFile("{")])).toThrow(/JSON/);
});

test("help names every setting and shows examples; the schema has them all", () => {
  const { text } = readConfig(["--help"], "1.2.3") as unknown as { text: string };
  const { properties } = configSchema() as { properties: Record<string, { description?: string }> };
  for (const [name, { meaning }] of Object.entries(CONFIG)) {
    expect(text).toContain(`--${dashed(name)}`);
    expect(properties[name]?.description).toBe(meaning);
    expect(variableOf(name)).toMatch(/^TZ_CLOUDTERM_[A-Z_]+$/);
  }
  expect(text).toContain("cloudterm user add ada --admin");
  expect(readConfig(["--version"], "1.2.3")).toEqual({ text: "1.2.3\n" });
});

test("what is wrong is told in one line, also of a file that is no JSON and has lines", () => {
  let message = "";
  try {
    read(["--config", configFile("\n\n {port\n: 1}")]);
  } catch (error) {
    ({ message } = error as Error);
  }
  expect(message).toMatch(/^--config .*JSON/);
  expect(message).not.toContain("\n");
});
