import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { folderWith } from "./configuration.fixture.js";
import { convertNginx } from "./convert.js";

const schema: object = JSON.parse(readFileSync(new URL("../../config.schema.json", import.meta.url), "utf8"));
const isValid = new Ajv({ strict: false }).compile(schema);

function converted(text: string, name?: string, isFolder: (path: string) => boolean = () => true) {
  const { config, refusals, notes } = convertNginx(
    join(folderWith({ "site.conf": text }), "site.conf"),
    name,
    isFolder,
  );
  expect(refusals).toEqual([]);
  expect(isValid(config), JSON.stringify(isValid.errors)).toBe(true);
  return { config, notes: notes.join("\n") };
}

const AT = { host: "0.0.0.0", port: 80 };
/** What every converted mount says, as nginx: no charset, nothing about caching. */
const PLAIN = { charset: false, cacheControl: false };

describe("configurations from common guides", () => {
  test.each<[string, string, object]>([
    [
      "nginx: serving static content",
      `http { server {
        location / { root /data/www; }
        location /images/ { root /data; }
      } }`,
      {
        ...AT,
        mounts: [
          { root: "/data/www", ...PLAIN },
          { prefix: "/images", root: "/data/images", ...PLAIN },
        ],
      },
    ],
    [
      "Debian: the default site",
      `server {
        listen 80 default_server;
        listen [::]:80 default_server;
        root /var/www/html;
        index index.html index.htm;
        server_name _;
        location / { try_files $uri $uri/ =404; }
      }`,
      { host: "::", port: 80, root: "/var/www/html", index: ["index.html", "index.htm"], ...PLAIN },
    ],
    [
      "nginx.org: the packaged default.conf",
      `server {
        listen 80; server_name localhost;
        location / { root /usr/share/nginx/html; index index.html index.htm; }
        error_page 500 502 503 504 /50x.html;
        location = /50x.html { root /usr/share/nginx/html; }
      }`,
      {
        ...AT,
        root: "/usr/share/nginx/html",
        index: ["index.html", "index.htm"],
        errorPages: { 500: "50x.html", 502: "50x.html", 503: "50x.html", 504: "50x.html" },
        ...PLAIN,
      },
    ],
    [
      "Vue Router, React Router: history mode",
      `server { listen 3000; root /app/dist; charset utf-8;
        location / { try_files $uri $uri/ /index.html; }
        location = /index.html { add_header Cache-Control "no-cache"; }
      }`,
      {
        host: "0.0.0.0",
        port: 3000,
        root: "/app/dist",
        spaFallback: true,
        cacheControl: false,
        headers: { "/index.html": { "Cache-Control": "no-cache" } },
      },
    ],
    [
      "an SPA by its error page",
      "server { root /app; error_page 404 =200 /index.html; }",
      { ...AT, root: "/app", spaFallback: true, ...PLAIN },
    ],
    [
      "h5bp: expires by extension, hidden files",
      `server { root /srv/site;
        location ~* \\.(?:css|js)$ { expires 1y; access_log off; add_header Cache-Control "public"; }
        location ~* \\.(jpe?g|png|woff2?)$ { expires 30d; }
        location ~* /\\.(?!well-known\\/) { deny all; }
        location ~* \\.(bak|sql)$ { deny all; }
      }`,
      {
        ...AT,
        root: "/srv/site",
        ...PLAIN,
        headers: {
          "*.{jpg,jpeg,png,woff,woff2,JPG,JPEG,PNG,WOFF,WOFF2}": { "Cache-Control": "max-age=2592000" },
          "*.{css,js,CSS,JS}": { "Cache-Control": "max-age=31536000, public" },
        },
        deny: ["*.{bak,sql,BAK,SQL}"],
      },
    ],
    [
      "clean addresses and an error page of one's own",
      `server { root /srv/docs; charset UTF-8; error_page 404 /404.html;
        location = /404.html { internal; }
        location / { try_files $uri $uri.html $uri/ =404; }
      }`,
      {
        ...AT,
        root: "/srv/docs",
        cleanUrls: true,
        errorPages: { 404: "404.html" },
        cacheControl: false,
        deny: ["/404.html"],
      },
    ],
    [
      "downloads with a listing, slowly",
      `server { root /srv/www;
        location /dl { alias /mnt/dl/; autoindex on; autoindex_exact_size off; limit_rate 500k; max_ranges 0; }
      }`,
      {
        ...AT,
        mounts: [
          { root: "/srv/www", ...PLAIN },
          {
            prefix: "/dl",
            root: "/mnt/dl",
            listing: true,
            ranges: false,
            throttleBytesPerSecond: 512_000,
            ...PLAIN,
          },
        ],
      },
    ],
    [
      "compressed at once and beforehand",
      `http { gzip on; gzip_comp_level 5; gzip_min_length 256; gzip_vary on; gzip_proxied any;
        gzip_types text/css application/javascript;
        server { root /srv; gzip_static on; brotli_static on; }
      }`,
      {
        ...AT,
        root: "/srv",
        precompressed: ["gzip", "br"],
        compress: {
          encodings: ["gzip"],
          level: 5,
          minBytes: 256,
          types: ["text/html", "text/css", "application/javascript", "text/javascript"],
        },
        ...PLAIN,
      },
    ],
    [
      "HTTPS with a redirect (Mozilla's generator)",
      `server { listen 80; listen [::]:80; location / { return 301 https://$host$request_uri; } }
       server { listen 443 ssl http2; listen [::]:443 ssl http2; root /srv;
        ssl_certificate /etc/ssl/a.pem; ssl_certificate_key /etc/ssl/a.key;
        ssl_session_timeout 1d; ssl_protocols TLSv1.3; ssl_prefer_server_ciphers off;
        add_header Strict-Transport-Security "max-age=63072000" always;
       }`,
      {
        host: "::",
        port: 443,
        cert: "/etc/ssl/a.pem",
        key: "/etc/ssl/a.key",
        http2: true,
        httpRedirect: 80,
        root: "/srv",
        ...PLAIN,
        securityHeaders: { "Strict-Transport-Security": "max-age=63072000" },
      },
    ],
    [
      "certbot's redirect",
      `server { root /srv; listen 443 ssl; ssl_certificate c.pem; ssl_certificate_key k.pem; server_name a.org; }
       server { if ($host = a.org) { return 301 https://$host$request_uri; }
        listen 80; server_name a.org; return 404; }`,
      { host: "0.0.0.0", port: 443, cert: "c.pem", key: "k.pem", httpRedirect: 80, root: "/srv", ...PLAIN },
    ],
    [
      "acme-challenge from another folder",
      `server { root /srv/www; location ^~ /.well-known/acme-challenge/ { root /var/lib/letsencrypt; } }`,
      {
        ...AT,
        mounts: [
          { root: "/srv/www", ...PLAIN },
          {
            prefix: "/.well-known/acme-challenge",
            root: "/var/lib/letsencrypt/.well-known/acme-challenge",
            ...PLAIN,
          },
        ],
      },
    ],
    [
      "types, tags, links, other methods",
      `worker_processes 4; http { server { root /srv; etag off; disable_symlinks on;
        types { application/wasm wasm; text/x-log log out; }
        location / { limit_except GET HEAD { deny all; } }
        if ($request_method !~ ^(GET|HEAD)$) { return 405; }
      } }`,
      {
        ...AT,
        workers: 4,
        root: "/srv",
        mime: { ".wasm": "application/wasm", ".log": "text/x-log", ".out": "text/x-log" },
        etag: false,
        symlinks: "deny",
        ...PLAIN,
      },
    ],
    [
      "fields that go down, and those that do not",
      `server { root /srv; add_header X-Frame-Options DENY; expires max;
        location /a/ { add_header X-Robots-Tag none; }
        location /private/ { return 404; }
        location /b/ { expires off; location ~ \\.txt$ { expires epoch; } }
      }`,
      {
        ...AT,
        mounts: [
          {
            root: "/srv",
            charset: false,
            cacheControl: "max-age=315360000",
            headers: { "**": { "X-Frame-Options": "DENY" } },
            deny: ["/private/**"],
          },
          {
            prefix: "/a",
            root: "/srv/a",
            charset: false,
            cacheControl: "max-age=315360000",
            headers: { "**": { "X-Robots-Tag": "none" } },
          },
          // `expires off` takes back what is said around it.
          {
            prefix: "/b",
            root: "/srv/b",
            ...PLAIN,
            headers: {
              "**": { "X-Frame-Options": "DENY" },
              "*.txt": { "Cache-Control": "no-cache" },
            },
          },
        ],
      },
    ],
    [
      "a Unix socket",
      "server { listen unix:/run/site.sock; root /srv; }",
      { host: "/run/site.sock", root: "/srv", ...PLAIN },
    ],
  ])("%s", (_name, text, expected) => {
    expect(converted(text).config).toEqual(expected);
  });
});

test("notes say what changes, and where", () => {
  const { notes } = converted(`server { root /srv;
    add_header X-A 1;
    location / { try_files $uri /index.html; }
    location /x/ { add_header X-B 2; }
  }`);
  expect(notes).toMatch(/site\.conf:3: try_files .*navigations/);
  expect(notes).toMatch(/dot are 404/);
  expect(notes).toMatch(/port 80: needs root/);
});

test("fields that a mount cannot take back are told, of rules that meet too", () => {
  const { config, notes } = converted(`server { root /srv; add_header X-A 1;
    error_page 404 /404.html;
    location /x/ { add_header X-B 2; location = /x/one.css { add_header X-A 1; } }
    location ~* \\.css$ { add_header X-C 3; }
  }`);
  expect(config).toMatchObject({
    headers: { "/x/**": { "X-B": "2" }, "*.{css,CSS}": { "X-C": "3" } },
  });
  expect(notes).toMatch(/site\.conf:3: location \/x\/ .*: X-A: nginx does not send/);
  expect(notes).toMatch(/site\.conf:4: location ~\* .*: X-A, X-B: nginx does not send/);
  expect(notes).toMatch(/site\.conf:3: location = \/x\/one\.css .*: X-B, X-C: nginx does not send/);
});

test("the page for all that is missing is that of the mounts too, and told where it cannot be", () => {
  const { config, notes } = converted(`server { root /srv; error_page 404 =200 /index.html;
    location / { try_files $uri =404; }
    location /x/ { expires 1h; }
    location /dl/ { alias /mnt/dl/; }
  }`);
  expect(config).toMatchObject({
    mounts: [{ root: "/srv", spaFallback: true, headers: { "/x/**": {} } }, { prefix: "/dl" }],
  });
  expect(notes).toMatch(/site\.conf:1: error_page 404 =200 \/index\.html: lies outside of \/dl\/: .* is 404/);
});

test("folders that are not there are left out, unless none is", () => {
  const text = `server { root /srv; location / { try_files $uri /index.html; }
    location /dl/ { alias /mnt/dl/; }
    location /x/ { autoindex on; }
    location /y/ { error_page 404 =200 /index.html; autoindex on; }
  }`;
  const here = converted(text, undefined, (path) => path === "/srv");
  // What is missing in /x is 404 in nginx, and would be the page here.
  expect(here.config).toEqual({
    ...AT,
    root: "/srv",
    spaFallback: true,
    ...PLAIN,
    deny: ["/x/**", "/dl/**"],
  });
  expect(here.notes).toMatch(/site\.conf:2: location \/dl\/ .*: left out: \/mnt\/dl is not there/);
  const elsewhere = converted(text, undefined, () => false);
  expect(elsewhere.config).toMatchObject({ mounts: [{}, {}, {}, { root: "/mnt/dl" }] });
  expect(elsewhere.notes).toMatch(/the folders are not on this machine/);
});

test("a charset says where nginx would not send it", () => {
  expect(converted("server { root /srv; charset utf-8; }").notes).toMatch(/charset utf-8: .*charset_types/);
  expect(converted("server { root /srv; charset off; }").notes).not.toMatch(/charset_types/);
});

test("a file that is included stands in its place, from the folders above too", () => {
  const folder = folderWith({
    "nginx.conf": "http { include conf.d/*.conf; include nothing/*.conf; }",
    "conf.d/site.conf": "server { root /srv; include snippets/cache.conf; }",
    "snippets/cache.conf": "expires 1h;",
  });
  const expected = { ...AT, root: "/srv", charset: false, cacheControl: "max-age=3600" };
  expect(convertNginx(join(folder, "nginx.conf")).config).toEqual(expected);
  expect(convertNginx(join(folder, "conf.d/site.conf")).config).toEqual(expected);
});

test("of several servers one has to be named", () => {
  const text = "server { server_name a b; root /a; }\nserver { server_name c; root /c; }";
  expect(() => converted(text)).toThrow(/has 2 servers.*--server NAME, of a \(.*:1\), c \(.*:2\)/);
  expect(() => converted(text, "d")).toThrow(/--server "d" is the name of no server/);
  expect(converted(text, "b").config).toMatchObject({ root: "/a" });
});

test("an include whose brackets are no set of characters has no files", () => {
  const folder = folderWith({ "site.conf": "server { root /srv; include conf.d/[z-a]*.conf; }" });
  expect(convertNginx(join(folder, "site.conf")).config).toMatchObject({ root: "/srv" });
});
