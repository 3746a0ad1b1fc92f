import { describeCases, get, post } from "../testing/cases.fixture.js";

const next = get();
const old = (...lines: string[]) => `GET / HTTP/1.0\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

describeCases("persistence", [
  { rule: "RFC 9112 §9.3", what: "HTTP/1.1 persists", input: get() + next, outcome: "ok ok", close: false },
  { rule: "RFC 9112 §9.3", what: "HTTP/1.0 does not", input: old() + next, outcome: "ok", close: true },
  {
    rule: "RFC 9112 §9.3",
    what: "HTTP/1.0 with keep-alive",
    input: old("Connection: Keep-Alive") + next,
    outcome: "ok ok",
    close: false,
  },
  {
    rule: "RFC 9112 §9.3",
    what: "HTTP/1.0 with keep-alive and close",
    input: old("Connection: keep-alive, close") + next,
    outcome: "ok",
    close: true,
  },
  {
    rule: "RFC 9112 §9.6",
    what: "close",
    input: get("Connection: close") + next,
    outcome: "ok",
    close: true,
  },
  {
    rule: "RFC 9110 §7.6.1",
    what: "options are case-insensitive",
    input: get("Connection: CLOSE") + next,
    outcome: "ok",
    close: true,
  },
  {
    rule: "RFC 9110 §7.6.1",
    what: "close in the middle of a list",
    input: get("Connection: a,close , b") + next,
    outcome: "ok",
    close: true,
  },
  {
    rule: "RFC 9110 §7.6.1",
    what: "close on a second line",
    input: get("Connection: keep-alive", "X: y", "Connection: close") + next,
    outcome: "ok",
    close: true,
  },
  {
    rule: "RFC 9110 §7.6.1",
    what: "close beside keep-alive",
    input: get("Connection: close, keep-alive") + next,
    outcome: "ok",
    close: true,
  },
  {
    rule: "RFC 9110 §7.6.1",
    what: "names that only begin or end like close",
    input: get("Connection: closed, xclose, close-x") + next,
    outcome: "ok ok",
    close: false,
  },
  {
    rule: "RFC 9112 §9.3.2",
    what: "ten requests in one go",
    input: get().repeat(10),
    outcome: "ok ok ok ok ok ok ok ok ok ok",
  },
  {
    rule: "RFC 9112 §9.3.2",
    what: "an error ends what was served before it",
    input: `${get()}GET / HTTP/1.1\r\n\r\n${get()}`,
    outcome: "ok 400 MISSING_HOST",
    close: true,
  },
  {
    rule: "RFC 9112 §2.2",
    what: "CRLF between two requests",
    input: `${post(["Content-Length: 1"], "x")}\r\n${next}`,
    outcome: "ok ok",
  },
]);

describeCases("Expect", [
  {
    rule: "RFC 9110 §10.1.1",
    what: "100-continue",
    input: post(["Expect: 100-continue", "Content-Length: 1"], "x"),
    outcome: "ok",
    continued: 1,
  },
  {
    rule: "RFC 9110 §10.1.1",
    what: "in another case",
    input: post(["Expect: 100-Continue", "Content-Length: 1"], "x"),
    outcome: "ok",
    continued: 1,
  },
  {
    rule: "RFC 9110 §10.1.1",
    what: "without content nobody waits",
    input: get("Expect: 100-continue"),
    outcome: "ok",
    continued: 0,
  },
  {
    rule: "RFC 9110 §10.1.1",
    what: "ignored in HTTP/1.0",
    input: old("Expect: 100-continue"),
    outcome: "ok",
    continued: 0,
  },
  {
    rule: "RFC 9110 §10.1.1",
    what: "another expectation",
    input: get("Expect: x 100-continue"),
    outcome: "417 UNKNOWN_EXPECTATION",
  },
  {
    rule: "RFC 9110 §10.1.1",
    what: "another expectation in the list",
    input: get("Expect: 100-continue, x"),
    outcome: "417 UNKNOWN_EXPECTATION",
  },
  {
    rule: "RFC 9110 §10.1.1",
    what: "another expectation on a second line",
    input: get("Expect: 100-continue", "Expect: 200-ok"),
    outcome: "417 UNKNOWN_EXPECTATION",
  },
  {
    rule: "RFC 9110 §10.1.1",
    what: "parameters",
    input: get("Expect: 100-continue;q=1"),
    outcome: "417 UNKNOWN_EXPECTATION",
  },
]);
