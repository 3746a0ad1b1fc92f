import { type ChildProcess, execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { unusedPort } from "../../scripts/workspace/unused-port.mjs";
import {
  cli,
  cloudterm,
  ended,
  env,
  exampleProject,
  firstLine,
  prepareCloudterm,
  root,
  running,
} from "./example-project.fixture.js";
import { codeOf } from "./page.js";

const start = join(root, "docs/start");

describe.each(readdirSync(start).filter((name) => name.endsWith(".md")))("docs/start/%s", (name) => {
  const page = codeOf(readFileSync(join(start, name), "utf8"));

  test("has commands with their answers", () => {
    expect(page.commands.length).toBeGreaterThan(1);
  });

  test("its code does what it says", async () => {
    const folder = exampleProject();
    const port = await unusedPort();
    const here = (text: string): string =>
      text
        .replaceAll("8080", String(port))
        .replace(/^npx tz-static/, `node ${cli}`)
        .replace(/(?<=^|\| )cloudterm /, `node ${cloudterm} `);
    if (page.commands.some(({ command }) => command.startsWith("cloudterm"))) await prepareCloudterm();
    for (const [file, code] of page.files) writeFileSync(join(folder, file), here(code));
    for (const script of page.preparation) execFileSync("sh", ["-e", "-c", script], { cwd: folder });
    let server: ChildProcess | undefined;
    for (const { command, output } of page.commands) {
      if (output.startsWith("Listening on")) {
        await ended(server);
        server = running(here(command), folder);
        expect(await firstLine(server), command).toBe(here(output));
        continue;
      }
      const options = { cwd: folder, env, encoding: "utf8", timeout: 200_000 } as const;
      const answer = execFileSync("sh", ["-c", here(command)], options);
      expect(answer.replaceAll("\r", "").trimEnd(), command).toBe(output);
    }
    await ended(server);
  });
});
