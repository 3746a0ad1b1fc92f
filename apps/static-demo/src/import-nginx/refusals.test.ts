import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { UsageError } from "../usage-error.js";
import { folderWith } from "./configuration.fixture.js";
import { convertNginx } from "./convert.js";

function refusalsOf(text: string): string {
  const folder = folderWith({ "site.conf": text });
  return convertNginx(join(folder, "site.conf")).refusals.join("\n").replaceAll(`${folder}/`, "");
}

describe("what is not known is refused, with its place and what to do", () => {
  test.each([
    ["frobnicate on;", /^site\.conf:2: frobnicate on: is not known here; leave it out/],
    [
      "location /api/ { proxy_pass http://a; }",
      /^site\.conf:2: proxy_pass http:\/\/a: .*leave nginx.*in front/,
    ],
    ["location ~ \\.php$ { include fastcgi_params; fastcgi_pass a; }", /fastcgi_pass a: .*passes nothing on/],
    ["include nothing.conf;", /^site\.conf:2: include nothing\.conf: is not there/],
    ["auth_basic closed;", /auth_basic closed: tz-static lets everybody in/],
    ["allow 10.0.0.0/8; deny all;", /allow 10\.0\.0\.0\/8: tz-static lets everybody in/],
    ["ssl_verify_client on;", /ssl_verify_client on: tz-static lets everybody in/],
    ["limit_req zone=a;", /limit_req zone=a: .*ratePerSecond/],
    ["rewrite ^/a /b permanent;", /rewrite .*: needs a program/],
    ["if ($http_cookie) { set $a 1; }", /if \(\$http_cookie\) \{ … \}: needs a program/],
    ["location = /old { return 301 /new; }", /return 301 \/new: of redirects only/],
    ["location = /ok { return 200 fine; }", /return 200 fine: answers with a text/],
    ["location ~ ^/(a|b)/ { expires 1d; }", /location ~ \^.*: of regular expressions only extensions/],
    ["location @app { expires 1d; }", /location @app \{ … \}: named locations are for proxies/],
    ["location / { try_files $uri @app; }", /try_files \$uri @app: named locations/],
    ["location / { try_files $uri /index.php?$args; }", /try_files .*: runs a program/],
    ["location / { try_files /maintenance.html $uri; }", /\/maintenance\.html cannot be tried/],
    ["location /a/ { try_files $uri /index.html; }", /the fallback must lie below \/a\//],
    ["root /srv/$host;", /root \/srv\/\$host: a configuration has no variables/],
    ["expires $expires;", /expires \$expires: takes a time/],
    ["add_header X $upstream_cache_status;", /add_header .*: a configuration has no variables/],
    ["add_header ETag a;", /add_header ETag a: ETag is not yours to set/],
    ["index index.html /last.html;", /index .*: index takes names/],
    ["error_page 404 http://a/;", /error_page .*: takes statuses from 400/],
    ["listen 81;", /site\.conf:1: listen 80: listens on several ports/],
    ["listen 80 proxy_protocol;", /proxyProtocol: true with @tz\/server/],
    ["listen 443 ssl;", /listens with ssl but lacks ssl_certificate/],
    ["location = /logo.png { alias /srv/other/logo.png; }", /a file of another folder; put it/],
    ["location /a/ { root /b; } location /a/ { root /c; }", /location \/a\/ \{ … \}: stands there twice/],
    ["autoindex yes;", /autoindex yes: takes on or off/],
    ["limit_rate fast;", /limit_rate fast: takes bytes a second/],
  ])("%s", (line, message) => {
    expect(refusalsOf(`server { listen 80; root /srv;\n${line}\n}`)).toMatch(message);
  });

  test("all of them at once, not the first alone", () => {
    const refusals = refusalsOf("server { root /srv;\n a 1;\n b 2;\n location /x { c 3; }\n}");
    expect(refusals.split("\n").map((line) => line.slice(0, 15))).toEqual([
      "site.conf:2: a ",
      "site.conf:3: b ",
      "site.conf:4: c ",
    ]);
  });

  test("a server without files", () => {
    expect(refusalsOf("server { listen 80; }")).toMatch(/has no root/);
    expect(refusalsOf("server { return 301 https://$host$request_uri; }")).not.toBe("");
  });
});

test("a file that is not there, or no configuration", () => {
  expect(() => convertNginx("/no/such/file")).toThrow(new UsageError("/no/such/file does not exist"));
  expect(() => refusalsOf("user www-data;")).toThrow(/site\.conf has no server block/);
  expect(() => refusalsOf("server { include site.conf; }")).toThrow(
    /includes are more than 16 deep, a circle\?/,
  );
});
