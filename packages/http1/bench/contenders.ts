/** Parsers that are measured side by side. Each first shows that it reads the request right. */
import { createRequire } from "node:module";
import { RequestHead } from "../src/request-head.js";
import { createScanner } from "../src/scan/create-scanner.js";
import * as T from "../src/scan/table.js";

export interface Contender {
  readonly name: string;
  /** Parses the request `times` over. */
  run(times: number): void;
  /** Method, target, number of fields and one value, as this contender sees them. */
  check(): readonly [method: string, target: string, fieldCount: number, host: string];
}

type MakeContender = (request: Uint8Array) => Contender;

/** The table of offsets with field ids: what `scan()` does, called from JavaScript. */
const scan =
  (kind: "simd" | "plain"): MakeContender =>
  (request) => {
    const scanner = createScanner({ kind });
    scanner.bytes.set(request);
    const { length } = request;
    const text = (start: number, end: number) =>
      Buffer.from(scanner.bytes.subarray(start, end)).toString("latin1");
    return {
      name: `scan, ${kind}`,
      run(times) {
        for (let i = 0; i < times; i++) if (scanner.scan(0, length) !== length) throw new Error("Not parsed");
      },
      check() {
        const { table } = scanner;
        const host = T.RECORDS + table[T.LINE_INDEX]! * T.RECORD_SIZE;
        return [
          text(table[T.METHOD_START]!, table[T.METHOD_END]!),
          text(table[T.TARGET_START]!, table[T.TARGET_END]!),
          table[T.COUNT]!,
          text(table[host + T.VALUE_START]!, table[host + T.VALUE_END]!),
        ];
      },
    };
  };

/** The same, and all rules about Host, framing, persistence and target forms. */
const requestHead =
  (kind: "simd" | "plain"): MakeContender =>
  (request) => {
    const scanner = createScanner({ kind });
    scanner.bytes.set(request);
    const head = new RequestHead(scanner);
    const { length } = request;
    return {
      name: `RequestHead, ${kind}`,
      run(times) {
        for (let i = 0; i < times; i++) if (head.parse(0, length) !== length) throw new Error("Not parsed");
      },
      check: () => [head.method, head.target, head.fieldCount, head.field("host") ?? ""],
    };
  };

/** The interface that Node's own parser and its port to JavaScript share. */
interface NodeParser {
  initialize?(type: number, resource: object): void;
  execute(bytes: Buffer): number | Error;
  [callback: number]: unknown;
}
interface NodeParserClass {
  new (type?: unknown): NodeParser;
  readonly REQUEST: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
  readonly methods?: readonly string[];
}

const require = createRequire(import.meta.url);

const nodeStyle =
  (name: string, load: () => { HTTPParser: NodeParserClass; methods: readonly string[] }): MakeContender =>
  (request) => {
    const { HTTPParser, methods } = load();
    const parser = new HTTPParser(HTTPParser.REQUEST);
    parser.initialize?.(HTTPParser.REQUEST, {});
    const bytes = Buffer.from(request);
    let seen: readonly [string, string, number, string] = ["", "", 0, ""];
    let method = 0;
    let target = "";
    let fields: readonly string[] = [];
    const take = (m: number, t: string, f: readonly string[]) => {
      method = m;
      target = t;
      fields = f;
      return 0;
    };
    // http-parser-js passes one object where it does not find the binding of an old Node.
    parser[HTTPParser.kOnHeadersComplete] = (
      first: number | { method: number; url: string; headers: readonly string[] },
      _minor: number,
      f: readonly string[],
      m: number,
      t: string,
    ) => (typeof first === "number" ? take(m, t, f) : take(first.method, first.url, first.headers));
    parser[HTTPParser.kOnHeaders] = () => {};
    parser[HTTPParser.kOnBody] = () => {};
    parser[HTTPParser.kOnMessageComplete] = () => {};
    return {
      name,
      run(times) {
        for (let i = 0; i < times; i++)
          if (parser.execute(bytes) !== bytes.length) throw new Error("Not parsed");
      },
      check() {
        const host = fields.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === "host");
        seen = [methods[method] ?? "", target, fields.length / 2, fields[host + 1] ?? ""];
        return seen;
      },
    };
  };

const llhttp = nodeStyle("llhttp (Node's binding, fields built)", () => {
  const common = require("node:_http_common") as {
    HTTPParser: NodeParserClass;
    methods: readonly string[];
    allMethods?: readonly string[];
  };
  return { HTTPParser: common.HTTPParser, methods: common.allMethods ?? common.methods };
});
const httpParserJs = nodeStyle("http-parser-js", () => {
  const { HTTPParser } = require("http-parser-js") as { HTTPParser: NodeParserClass };
  return { HTTPParser, methods: HTTPParser.methods ?? [] };
});

export const CONTENDERS: readonly MakeContender[] = [
  scan("simd"),
  scan("plain"),
  requestHead("simd"),
  requestHead("plain"),
  llhttp,
  httpParserJs,
];
