import type { MatrixCase } from "./case.fixture.js";

/** Nothing outside is served, nothing of the machine or the request is repeated. */
function denied(target: string, status: number): MatrixCase {
  return {
    name: `${target} is refused`,
    target,
    status,
    raw: true,
    check: ({ headers, body }) =>
      /tz-static-|<script|evil/.test(body.toString()) || "location" in headers || "x" in headers
        ? `leaks: ${body.toString()}`
        : "",
  };
}

/** The known defects of static servers, as raw bytes on a socket. */
export const attackCases: readonly MatrixCase[] = [
  denied("/../outside/secret.txt", 400),
  denied("/../site-private/private.txt", 400),
  denied("/%2e%2e/outside/secret.txt", 400),
  denied("/%2E%2E/%2E%2E/etc/passwd", 400),
  denied("/..%2foutside%2fsecret.txt", 400),
  denied("/%2e%2e%2foutside%2fsecret.txt", 400),
  denied("/dir/../../outside/secret.txt", 400),
  denied("/dir/..", 400),
  denied("/..%5coutside%5csecret.txt", 400),
  denied("/dir%5c..%5c..%5coutside", 400),
  denied("/%252e%252e/outside/secret.txt", 404),
  denied("/%252e%252e%252foutside/secret.txt", 404),
  denied("/dir/..%00/secret.txt", 400),
  denied("/hello.txt%00.png", 400),
  denied("/%c0%ae%c0%ae/outside/secret.txt", 400),
  denied("/%e0%80%ae%e0%80%ae/outside/secret.txt", 400),
  denied("/%ff", 400),
  denied("/%zz", 400),
  denied("/%", 400),
  denied("/./hello.txt", 400),
  denied("/dir/./page.html", 400),
  denied("/i../x", 404),
  denied("/...", 404),
  denied("/dir%2fpage.html", 400),
  denied("/.%65nv", 404),
  denied("/%2eenv", 404),
  denied("/dir2/.secret", 404),
  denied("/%2egit/config", 404),
  denied("/dirlink-out/", 404),
  denied("//evil.example/%2e%2e", 400),
  denied("//evil.example/%2F..", 400),
  denied("/%5C%5Cevil.example/%252e%252e", 400),
  denied("/dir%0d%0aX:1", 400),
  denied("/dir%0aX:1/", 400),
  denied("/%3Cscript%3Ealert(1)%3C/script%3E", 404),
  {
    name: "no redirect to another host",
    target: "//evil.example/",
    status: 308,
    fields: { location: "/evil.example/" },
    raw: true,
  },
  {
    name: "no redirect to another host by many slashes",
    target: "////evil.example//dir?/",
    status: 308,
    fields: { location: "/evil.example/dir?/" },
    raw: true,
  },
  {
    name: "a redirect repeats nothing in its body",
    target: "/dir?%3Cscript%3E",
    status: 308,
    fields: { location: /^\/dir\/\?[!-~]*$/ },
    body: "",
  },
  {
    name: "a number beyond 2^64 in a range",
    target: "/hello.txt",
    headers: { Range: "bytes=0-18446744073709551615" },
    status: 206,
    fields: { "content-range": "bytes 0-11/12" },
  },
  {
    name: "overlapping ranges never give more than the file",
    target: "/big.bin",
    headers: { Range: `bytes=${Array.from({ length: 30 }, (_, i) => `${i}-`).join(",")}` },
    status: 206,
    fields: { "content-range": "bytes 0-1048575/1048576" },
  },
  {
    name: "a long suffix list of an empty file",
    target: "/empty.txt",
    headers: { Range: `bytes=${Array.from({ length: 20 }, () => "-1").join(",")}` },
    status: 200,
    body: "",
  },
];
