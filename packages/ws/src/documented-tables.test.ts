import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { unusedPort } from "../../../scripts/workspace/unused-port.mjs";
import { WS_ERRORS } from "./errors.js";
import { CONNECTION_OPTIONS, DEFLATE_OPTIONS } from "./options.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the README's option tables are the option tables", () => {
  for (const table of [CONNECTION_OPTIONS, DEFLATE_OPTIONS]) {
    for (const [name, rule] of Object.entries(table)) {
      const values = "min" in rule ? `${rule.min} – ${rule.max}` : "true, false";
      const unit = "unit" in rule ? rule.unit : "–";
      expect(readme).toContain(`| \`${name}\` | ${rule.default} | ${values} | ${unit} | ${rule.meaning} |`);
    }
  }
});

test("the README's error table is the error table", () => {
  for (const [code, row] of Object.entries(WS_ERRORS)) {
    const told = "closeCode" in row ? row.closeCode : "status" in row ? row.status : "–";
    expect(readme).toContain(`| \`${code}\` | ${told} | ${row.meaning} |`);
  }
});

/** Runs an example as a module of its own. */
function run(code: string) {
  const flags = ["--import", "tsx", "--conditions=@tz/source", "--input-type=module", "-e", code];
  const child = spawn(process.execPath, flags, {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.stdout.setEncoding("utf8");
  return child;
}

test("the README's server and client understand each other", async () => {
  const port = await unusedPort();
  const [server, client] = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) =>
    code!.replaceAll("8080", String(port)),
  ) as [string, string];
  const serving = run(server);
  try {
    const [ready] = (await once(serving.stdout, "data")) as [string];
    expect(ready).toBe("listening\n");
    const closed = once(serving.stdout, "data");
    const connecting = run(client);
    const [line] = (await once(connecting.stdout, "data")) as [string];
    expect(line).toBe("echo: hello\n");
    expect(await once(connecting, "exit")).toEqual([0, null]);
    expect((await closed)[0]).toBe("closed 1000 done true\n");
  } finally {
    serving.kill("SIGKILL");
  }
});
