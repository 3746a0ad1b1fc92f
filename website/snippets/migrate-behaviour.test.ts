import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { unusedPort } from "../../scripts/workspace/unused-port.mjs";
import { cli, ended, exampleProject, listening, root, running } from "./example-project.fixture.js";
import { codeOf } from "./page.js";

/*
 * What a page of docs/migrate converts, beside what it makes of it: both serve the same files and are asked the
 * same. Where they differ, the difference is in the list of its page here, and in the words of that page.
 */
interface Side {
  readonly command: string;
  /** Files to write before it starts, by name. */
  readonly files: Readonly<Record<string, string>>;
}
interface Migration {
  readonly page: string;
  readonly program?: string;
  /** Where the files lie, in the folder of the project. */
  readonly folder: string;
  before(text: string, port: number, project: string): Side;
  after(text: string, port: number, project: string): Side;
  /** Targets, or `TARGET: FIELD`, that are not answered alike, and the words of the page that say so. */
  readonly differs?: Readonly<Record<string, string>>;
}

const LONG = "p { color: red }\n".repeat(300);
const SITE: Readonly<Record<string, string | Buffer>> = {
  "index.html": "<h1>home</h1>",
  "about.html": "<h1>about</h1>",
  "404.html": "<h1>nothing here</h1>",
  "not-found.html": "<h1>nothing here</h1>",
  "style.css": LONG,
  "style.css.gz": gzipSync(LONG),
  "img/deep.png": "not really a picture",
  "assets/app.js": "export const a = 1;",
  "empty/keep.txt": "kept",
  ".secret": "nobody's business",
};
const PAGE = { accept: "text/html,*/*;q=0.8" };
const ASKED: readonly (readonly [target: string, fields?: Record<string, string>])[] = [
  ["/", PAGE],
  ["/index.html", PAGE],
  ["/about", PAGE],
  ["/style.css"],
  ["/style.css", { "accept-encoding": "gzip" }],
  ["/style.css", { range: "bytes=2-6" }],
  ["/img/deep.png"],
  ["/assets/app.js"],
  ["/assets/none.js"],
  ["/none", PAGE],
  ["/empty/", PAGE],
  ["/empty", PAGE],
  ["/.secret"],
  ["/downloads/keep.txt"],
];

const migrations: readonly Migration[] = [
  {
    page: "nginx",
    program: "nginx",
    folder: "srv/app/dist",
    before: (text, port, project) => ({
      command: `${env("nginx")} -p ${project} -c ${project}/nginx.conf`,
      files: {
        "nginx.conf": `${isRoot() ? "user root;" : ""} daemon off; master_process off; pid ${project}/pid; error_log stderr crit; events {}
          http { access_log off; types { text/html html; text/css css; text/javascript js; image/png png; text/plain txt; }
          ${block(text, "nginx").replace("listen 8080", `listen 127.0.0.1:${port}`).replaceAll("/srv/", `${project}/srv/`)} }`,
      },
    }),
    after: converted("site.mjs"),
    differs: {
      "/.secret": "Names that begin with a dot are 404",
    },
  },
  {
    page: "apache",
    program: "apache2",
    folder: "srv/site",
    before: (text, port, project) => ({
      command: `${env("apache2")} -X -d ${project} -f ${project}/httpd.conf`,
      files: {
        "mime.types": "text/html html\ntext/css css\ntext/javascript js\nimage/png png\ntext/plain txt\n",
        "httpd.conf": `${[
          "mpm_event",
          "authz_core",
          "dir",
          "autoindex",
          "mime",
          "filter",
          "deflate",
          "expires",
          "headers",
        ]
          .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
          .join("\n")}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${project}/pid
Mutex sem
ErrorLog ${project}/errors
LogLevel crit
TypesConfig ${project}/mime.types
${isRoot() ? "User www-data\nGroup www-data" : ""}
${block(text, "apache").replace("*:8080", `127.0.0.1:${port}`).replaceAll("/srv/", `${project}/srv/`)}`,
      },
    }),
    after: converted("site.mjs"),
    differs: { "/.secret": "Names that begin with a dot are 404", "/empty: status": "308 instead of 301" },
  },
  {
    page: "caddy",
    program: "caddy",
    folder: "srv/docs",
    before: (text, port, project) => ({
      command: `env HOME=${project} caddy run --adapter caddyfile --config ${project}/Caddyfile`,
      files: {
        Caddyfile: `{\n  admin off\n  auto_https off\n  log {\n    output discard\n  }\n}\nhttp://127.0.0.1${block(
          text,
          "",
        )
          .replace(":8080", `:${port}`)
          .replaceAll("/srv/", `${project}/srv/`)}`,
      },
    }),
    after: (text, port, project) => ({
      command: block(text, "sh")
        .trim()
        .replace("tz-static /srv", `node ${cli} ${project}/srv`)
        .replace("8080", String(port))
        .replace("0.0.0.0", "127.0.0.1"),
      files: {},
    }),
    differs: {
      "/.secret": "Names that begin with a dot are 404",
      "/empty": "A folder is redirected to its slash first",
      "/empty/: status": "A folder without an index page is 403",
      "/index.html": "`/index.html` leads to `/`",
    },
  },
  {
    page: "express",
    folder: "public",
    before: commented("app.mjs"),
    after: converted("app.mjs"),
    differs: { "/empty: status": "308 instead of 301", "/index.html": "`/index.html` leads to `/`" },
  },
  {
    page: "sirv",
    folder: "public",
    before: commented("server.mjs"),
    after: converted("server.mjs"),
    differs: {
      "/.secret": "Names that begin with a dot are 404",
      "/index.html": "`/index.html` leads to `/`",
    },
  },
  {
    page: "fastify",
    folder: "srv/public",
    before: commented("app.mjs"),
    after: converted("app.mjs"),
    differs: {
      "/.secret": "Names that begin with a dot are 404",
      "/empty": "A folder is redirected to its slash first",
      "/empty/: status": "A folder without an index page is 403",
      "/assets/app.js: type": "`text/javascript` (RFC 9239)",
    },
  },
];

test.each(migrations.map((migration) => [nameOf(migration), migration] as const))(
  "%s",
  async (_name, migration) => {
    const { page, program, folder, before, after, differs = {} } = migration;
    if (program && !isThere(program)) return;
    const text = readFileSync(join(root, `docs/migrate/${page}.md`), "utf8");
    const project = exampleProject();
    chmodSync(project, 0o755);
    for (const [name, content] of Object.entries(SITE)) write(join(project, folder, name), content);
    write(join(project, "srv/downloads/keep.txt"), "kept");
    const answers: Record<string, Record<string, unknown>>[] = [];
    for (const side of [before, after]) {
      const port = await unusedPort();
      const { command, files } = side(text, port, project);
      for (const [name, content] of Object.entries(files)) write(join(project, name), content);
      const server = running(command, project);
      await listening(port, server);
      answers.push(await asked(port));
      await ended(server);
    }
    const [was, is] = answers as [(typeof answers)[0], (typeof answers)[0]];
    const differences = Object.entries(was).flatMap(([target, fields]) =>
      Object.entries(fields)
        .filter(([field, value]) => is[target]![field] !== value)
        .map(([field, value]) => ({
          target,
          name: `${target}: ${field}`,
          was: value,
          is: is[target]![field],
        })),
    );
    expect(differences.filter(({ target, name }) => !(target in differs || name in differs))).toEqual([]);
    for (const [name, words] of Object.entries(differs)) {
      expect.soft(text.replace(/\s+/g, " "), name).toContain(words);
      expect
        .soft(
          differences.some((each) => each.target === name || each.name === name),
          name,
        )
        .toBe(true);
    }
  },
);

function nameOf({ page, program }: Migration): string {
  const missing = program && !isThere(program) ? ` (skipped: ${program} is not installed)` : "";
  return `docs/migrate/${page}.md: what it converts and what it converts to answer alike${missing}`;
}

function isThere(program: string): boolean {
  return spawnSync("sh", ["-c", `PATH=$PATH:/usr/sbin:/sbin command -v ${program}`]).status === 0;
}

/** Servers of Debian are not on everybody's path. */
function env(program: string): string {
  return `env PATH=${process.env["PATH"]}:/usr/sbin:/sbin ${program}`;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** The first block of `language` that is a whole configuration. */
function block(text: string, language: string): string {
  const found = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].filter(([, name]) => name === language);
  const [, , code] = found.find(([, , code = ""]) => code.includes("8080")) ?? [];
  if (code === undefined) throw new Error(`no block of ${language}`);
  return code;
}

/** The program of the page as it stands there. */
function converted(file: string): Migration["after"] {
  return (text, port, project) => ({
    command: `node ${file}`,
    files: { [file]: here(codeOf(text).files.get(file)!, port, project) },
  });
}

/** The program of the page with the line that it replaces, which stands in it as `// before: …`. */
function commented(file: string): Migration["before"] {
  return (text, port, project) => {
    const code = codeOf(text).files.get(file)!;
    const imports =
      'import sirv from "sirv";\nimport fastifyStatic from "@fastify/static";\nimport expressOfBefore from "express";\n';
    const old = code
      .replace(/^( *)\/\/ before: (const files = .*)\n[\s\S]*?^\);\n/m, "$1$2\n")
      .replace(/^( *)\/\/ before: (app\.use.*)\n.*\n/m, "$1$2\n")
      .replace(/^( *)\/\/ before: (app\.register.*)\n[\s\S]*?^await app\.listen/m, "$1$2\nawait app.listen");
    if (old.includes("// before:")) throw new Error(`${file}: what was there before is not found`);
    return { command: `node ${file}`, files: { [file]: here(imports + old, port, project) } };
  };
}

function here(code: string, port: number, project: string): string {
  return code
    .replaceAll("8080", String(port))
    .replaceAll('"0.0.0.0"', '"127.0.0.1"')
    .replaceAll("/srv/", `${project}/srv/`);
}

async function asked(port: number): Promise<Record<string, Record<string, unknown>>> {
  const answers: Record<string, Record<string, unknown>> = {};
  for (const [target, fields = {}] of ASKED) {
    const answer = await fetch(`http://127.0.0.1:${port}${target}`, {
      redirect: "manual",
      headers: { "accept-encoding": "identity", ...fields },
    });
    const body = await answer.text();
    const field = (name: string): string | null => answer.headers.get(name);
    const isFound = answer.status === 200 || answer.status === 206;
    answers[[target, ...Object.entries(fields).filter(([name]) => name !== "accept")].join(" ")] = {
      status: answer.status,
      body: isFound ? body : undefined,
      type: isFound ? field("content-type")?.replace(/;.*/, "") : undefined,
      coding: field("content-encoding"),
      caching: isFound ? cachingOf(field("cache-control")) : undefined,
      location: field("location")?.replace(/^http:\/\/[^/]+/, ""),
      sniffing: isFound ? field("x-content-type-options") : undefined,
    };
  }
  return answers;
}

/** Directives in one order; nothing and `max-age=0` ask a cache for the same. */
function cachingOf(value: string | null): string {
  const directives = new Set(
    (value ?? "").split(/, */).filter((each) => !/^(|max-age=0|no-cache|public)$/.test(each)),
  );
  return [...directives].sort().join(", ");
}
