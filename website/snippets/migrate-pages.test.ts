import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ended, exampleProject, freePort, root, running } from "./example-project.fixture.js";
import { codeOf } from "./page.js";

const folder = join(root, "docs/migrate");
const programs = readdirSync(folder)
  .filter((name) => name.endsWith(".md"))
  .flatMap((name) =>
    [...codeOf(readFileSync(join(folder, name), "utf8")).files].map(
      ([file, code]) => [name, file, code] as const,
    ),
  );

test.each(programs)("docs/migrate/%s: %s starts and serves", async (_page, file, code) => {
  const project = exampleProject();
  const port = await freePort();
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

async function listening(port: number, server: ReturnType<typeof running>): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    server.once("exit", (code) => reject(new Error(`ended with ${code} before it listened`)));
  });
  const tried = async (): Promise<void> => {
    for (;;) {
      const isOpen = await new Promise<boolean>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => resolve(true));
        socket.once("error", () => resolve(false));
        socket.once("close", () => socket.destroy());
        socket.unref();
      });
      if (isOpen) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await Promise.race([tried(), failed]);
  failed.catch(() => undefined);
}
