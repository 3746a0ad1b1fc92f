import { execFileSync, spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { unusedPort } from "../../../../scripts/workspace/unused-port.mjs";
import { command, startCli } from "../cli.fixture.js";
import { folderWith } from "./configuration.fixture.js";

const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
const hasNginx = spawnSync("nginx", ["-v"], { env }).status === 0;

const LONG = "p { color: red }\n".repeat(200);
const SITE = {
  "www/index.html": "<!doctype html><p>start",
  "www/about.html": "<!doctype html><p>about",
  "www/404.html": "<!doctype html><p>nothing here",
  "www/docs/index.html": "<!doctype html><p>docs",
  "www/assets/app.js": "export {};\n",
  "www/assets/site.css": LONG,
  "www/assets/logo.svg": "<svg/>",
  "www/assets/photo.JPG": "jpg",
  "www/private/key.txt": "secret",
  "www/notes.txt": "notes",
  "www/dump.sql": "select",
  "www/docs/deep/page.html": "<!doctype html><p>deep",
  "www/docs/deep/page.css": "p {}",
  "www/robots.txt": "User-agent: *",
  "other/files/list.txt": "list",
  "dl/a.bin": "0123456789",
};

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly caching: string | null;
  readonly coding: string | null;
  readonly location: string | null;
  readonly mark: string | null;
  readonly other: string | null;
  readonly body: string;
}

type Asked = readonly [path: string, fields?: Readonly<Record<string, string>>];

const PAGE = { accept: "text/html" };

/** Configurations, with what is asked of both servers. SITE stands for the folder of the files. */
const CASES: readonly (readonly [name: string, server: string, asked: readonly Asked[]])[] = [
  [
    "a site with pages of errors, expiry by extension and things that are hidden",
    `root SITE/www; charset utf-8; error_page 404 /404.html; add_header X-Mark outer;
     location ~* \\.(?:css|js|svg|jpe?g)$ { expires 30d; add_header X-Mark outer; }
     location = /notes.txt { expires epoch; add_header X-Mark notes; }
     location /private/ { return 404; }
     location ~ \\.sql$ { return 404; }
     location / { try_files $uri $uri/ =404; }`,
    [
      ["/"],
      ["/about.html"],
      ["/docs/"],
      ["/assets/app.js"],
      ["/assets/site.css"],
      ["/assets/logo.svg"],
      ["/assets/photo.JPG"],
      ["/notes.txt"],
      ["/notes.txt", { range: "bytes=1-2" }],
      ["/private/key.txt"],
      ["/dump.sql"],
      ["/nothing"],
      ["/nothing.css"],
    ],
  ],
  [
    "an SPA with assets for ever, compressed beforehand",
    `root SITE/www; gzip_static on;
     location /assets/ { expires 1y; add_header Cache-Control "public, immutable"; }
     location = /index.html { add_header Cache-Control no-cache; }
     location / { try_files $uri $uri/ /index.html; }`,
    [
      ["/", PAGE],
      ["/users/7", PAGE],
      ["/assets/site.css"],
      ["/assets/site.css", { "accept-encoding": "gzip" }],
      ["/assets/none.css", PAGE],
      ["/assets/none.css"],
      ["/notes.txt"],
    ],
  ],
  [
    "clean addresses, an alias with a listing, compression",
    `root SITE/www; gzip on; gzip_types text/css; expires 1h;
     location / { try_files $uri $uri.html $uri/ =404; }
     location /dl/ { alias SITE/dl/; autoindex on; expires off; }`,
    [
      ["/about"],
      ["/docs/"],
      ["/assets/site.css", { "accept-encoding": "gzip" }],
      ["/assets/site.css"],
      ["/dl/a.bin"],
      ["/dl/a.bin", { range: "bytes=0-3" }],
      ["/dl/a.bin", { range: "bytes=90-" }],
      ["/dl/b.bin"],
      ["/missing"],
    ],
  ],
  [
    "an SPA by its error page, with folders of other rules, one of them not there",
    `root SITE/www; error_page 404 =200 /index.html;
     location / { try_files $uri $uri/ =404; }
     location /assets/ { expires 1y; }
     location /docs/ { autoindex on; }
     location /dl/ { alias SITE/dl/; }
     location /uploads/ { alias SITE/uploads/; expires 1d; }`,
    [
      ["/"],
      ["/users/7", PAGE],
      ["/assets/app.js"],
      ["/assets/none", PAGE],
      ["/docs/"],
      ["/dl/a.bin"],
      ["/uploads/none", PAGE],
      ["/notes.txt"],
    ],
  ],
  [
    "fields in locations take the place of those around, also in nested ones",
    `root SITE/www; add_header X-Mark outer;
     location /docs/ { add_header X-Other docs; location /docs/deep/ { add_header X-Mark outer; } }
     location /assets/ { expires 1d; }
     location /private/ { add_header X-Mark ""; }`,
    [
      ["/"],
      ["/notes.txt"],
      ["/docs/"],
      ["/docs/deep/page.html"],
      ["/docs/deep/page.css"],
      ["/docs/none"],
      ["/assets/app.js"],
      ["/private/key.txt"],
    ],
  ],
  [
    "an alias with files compressed beforehand, methods, no tags",
    `root SITE/www; gzip_static on; etag off;
     location /static/ { alias SITE/www/assets/; expires max; access_log off; }
     location / { limit_except GET HEAD { deny all; } try_files $uri $uri/ =404; }`,
    [
      ["/static/site.css", { "accept-encoding": "gzip" }],
      ["/static/site.css"],
      ["/static/app.js"],
      ["/static/none.js"],
      ["/static/site.css", { range: "bytes=3-9" }],
      ["/docs/"],
      ["/assets/site.css", { "accept-encoding": "gzip" }],
      ["/nothing"],
    ],
  ],
  [
    "fallbacks of several kinds",
    `root SITE/www; index index.htm index.html;
     location / { try_files $uri $uri/ /index.html?$args; }
     location /files/ { root SITE/other; try_files $uri =404; }
     location /gone/ { root SITE/nowhere; try_files $uri =404; }
     location = /robots.txt { expires 1h; }
     location ~ /\\. { deny all; return 404; }`,
    [
      ["/", PAGE],
      ["/a/b?c=d", PAGE],
      ["/files/list.txt"],
      ["/files/none", PAGE],
      ["/gone/none", PAGE],
      ["/robots.txt"],
      ["/.git/config", PAGE],
      ["/docs/deep/page.html"],
    ],
  ],
  [
    "downloads without ranges, types of their own, pages for errors",
    `root SITE/www; error_page 404 /404.html; error_page 500 502 503 504 /50x.html; charset utf-8;
     location = /50x.html { root SITE/errors; }
     location ^~ /media/ { alias SITE/dl/; max_ranges 0; expires -1; add_header X-Mark media always; }
     location ~* \\.(sql|bak)$ { return 404; }
     location /docs/ { expires 1h; }`,
    [
      ["/media/a.bin"],
      ["/media/a.bin", { range: "bytes=0-3" }],
      ["/docs/"],
      ["/docs/none"],
      ["/dump.sql"],
      ["/none"],
      ["/about.html"],
    ],
  ],
];

describe.skipIf(!hasNginx)(`beside nginx${hasNginx ? "" : " (skipped: there is no nginx)"}`, () => {
  test.each(CASES)("%s: statuses, types and caching are the same", async (_name, server, asked) => {
    const site = folderWith(SITE);
    writeFileSync(join(site, "www/assets/site.css.gz"), gzipSync(LONG));
    const port = await unusedPort();
    const conf = join(site, "site.conf");
    writeFileSync(conf, `server { listen 127.0.0.1:${port};\n${server.replaceAll("SITE", site)}\n}\n`);
    const [nginx, tz] = await Promise.all([startNginx(site, conf, port), startConverted(site, conf)]);
    for (const [path, fields = {}] of asked) {
      const [theirs, ours] = await Promise.all([answerOf(nginx + path, fields), answerOf(tz + path, fields)]);
      expect(ours, `${path} ${JSON.stringify(fields)}`).toEqual(theirs);
    }
  });
});

/** What has to be equal. Pages that the servers make themselves are not files. */
async function answerOf(url: string, fields: Readonly<Record<string, string>>): Promise<Answer> {
  const { "accept-encoding": coding = "identity", ...others } = fields;
  const answer = await fetch(url, { headers: { "accept-encoding": coding, ...others }, redirect: "manual" });
  const { status, headers } = answer;
  const body = await answer.text();
  const isOwnPage = status >= 400 && !body.includes("nothing here");
  return {
    status,
    type: isOwnPage ? null : plainType(headers.get("content-type")),
    caching: isOwnPage ? null : headers.get("cache-control"),
    coding: headers.get("content-encoding"),
    location: headers.get("location"),
    mark: status >= 400 ? null : headers.get("x-mark"),
    other: status >= 400 ? null : headers.get("x-other"),
    body: isOwnPage ? "" : body,
  };
}

/** JavaScript is text/javascript by RFC 9239, nginx's table is older; charsets go with more types here. */
function plainType(type: string | null): string | null {
  const [name = ""] = (type ?? "").split(";");
  return name === "application/javascript" ? "text/javascript" : name;
}

async function startConverted(site: string, conf: string): Promise<string> {
  const converted = execFileSync(process.execPath, [...command, "import-nginx", conf], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  const file = join(site, "site.json");
  writeFileSync(file, converted);
  const { url } = await startCli(["--config", file, "--host", "127.0.0.1", "--port", "0"]).ready();
  return url.replace(/\/$/, "");
}

async function startNginx(site: string, conf: string, port: number): Promise<string> {
  const main = join(site, "nginx.conf");
  const own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const isRoot = process.getuid?.() === 0;
  writeFileSync(
    main,
    `${isRoot ? "user root;" : ""} daemon off; master_process off; pid ${site}/nginx.pid; error_log stderr crit;
     events { worker_connections 64; }
     http { access_log off; default_type application/octet-stream;
       types { text/html html; text/css css; application/javascript js; image/svg+xml svg; image/jpeg jpg; text/plain txt; }
       ${own.map((name) => `${name}_temp_path ${site}/${name};`).join(" ")}
       include ${conf}; }`,
  );
  const child = spawn("nginx", ["-p", site, "-c", main], { env, stdio: ["ignore", "ignore", "inherit"] });
  onTestFinished(async () => {
    const gone = child.exitCode === null && new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  });
  const ended = new Promise<never>((_, reject) =>
    child.once("exit", (code) => reject(new Error(`nginx ended with ${code}`))),
  );
  ended.catch(() => undefined);
  const url = `http://127.0.0.1:${port}`;
  const answers = async (): Promise<void> => {
    while (!(await fetch(url).then(Boolean, () => false)))
      await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await Promise.race([answers(), ended]);
  return url;
}
