import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unusedPort } from "../../scripts/workspace/unused-port.mjs";
import {
  cli,
  cloudterm,
  ended,
  exampleProject,
  firstLine,
  listening,
  prepareCloudterm,
  root,
  running,
} from "./example-project.fixture.js";
import { codeOf } from "./page.js";

const folder = join(root, "docs/migrate");
const programs = readdirSync(folder)
  .filter((name) => name.endsWith(".md"))
  .flatMap((name) =>
    [...codeOf(readFileSync(join(folder, name), "utf8")).files].map(
      ([file, code]) => [name, file, code] as const,
    ),
  );

const commands = readdirSync(folder)
  .filter((name) => name.endsWith(".md"))
  .flatMap((name) =>
    [...readFileSync(join(folder, name), "utf8").matchAll(/^```sh\n(tz-static .*)\n```$/gm)].map(
      ([, command]) => [name, command!] as const,
    ),
  );

test.each(commands)("docs/migrate/%s: %s serves", async (_page, command) => {
  const project = exampleProject();
  const port = await unusedPort();
  const [, served = ""] = /^tz-static (\S+)/.exec(command)!;
  const dir = join(project, served);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "probe.txt"), "served");
  const here = command
    .replace(/^tz-static \S+/, `node ${cli} ${dir}`)
    .replace(/--port \d+/, `--port ${port}`)
    .replace("--host 0.0.0.0", "--host 127.0.0.1");
  const server = running(here, project);
  expect(await firstLine(server)).toBe(`Listening on http://127.0.0.1:${port}/`);
  const answer = await fetch(`http://127.0.0.1:${port}/probe.txt`);
  expect(await answer.text()).toBe("served");
  await ended(server);
});

test("docs/migrate/ttyd.md: the converted service starts and asks for a login", async () => {
  const page = readFileSync(join(folder, "ttyd.md"), "utf8");
  const [, options = ""] = /^ExecStart=\S+\/cloudterm (.*)$/m.exec(page)!;
  await prepareCloudterm();
  const project = exampleProject();
  const port = await unusedPort();
  const here = options.replace("8080", String(port)).replace("/var/lib", project).replace("/srv", project);
  const server = running(`node ${cloudterm} ${here}`, project);
  await listening(port, server);
  expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${port}/api/sessions`)).status).toBe(401);
  await ended(server);
});

test("every kind of page is there", () => {
  expect(programs.length).toBeGreaterThan(5);
  expect(commands.length).toBeGreaterThan(1);
});

test.each(programs)("docs/migrate/%s: %s starts and serves", async (_page, file, code) => {
  const project = exampleProject();
  const port = await unusedPort();
  const here = code
    .replaceAll("8080", String(port))
    .replaceAll('"0.0.0.0"', '"127.0.0.1"')
    .replaceAll("/srv/", `${project}/srv/`);
  for (const [path] of here.matchAll(/(?<=")(?:\.|\/[^"]*?\/srv)\/[^"]+/g)) {
    const served = join(path.startsWith(".") ? project : "/", path);
    mkdirSync(served, { recursive: true });
    writeFileSync(join(served, "probe.txt"), "served");
  }
  writeFileSync(join(project, file), here);
  const server = running(`node ${file}`, project);
  await listening(port, server);
  const answer = await fetch(`http://127.0.0.1:${port}/probe.txt`);
  expect(await answer.text()).toBe("served");
  await ended(server);
});
