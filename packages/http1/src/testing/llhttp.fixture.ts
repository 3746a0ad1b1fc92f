/** Node's own parser (llhttp, strict) as an oracle: what it makes of a connection's bytes. */
import { createRequire } from "node:module";

export interface OracleRequest {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly string[];
  body: string;
}

export interface OracleResult {
  /** Messages whose end was seen. */
  readonly requests: readonly OracleRequest[];
  /** llhttp's error, e.g. `HPE_INVALID_METHOD`. */
  readonly error: string | undefined;
  /** It stopped for another protocol (Upgrade, CONNECT) and read no further. */
  readonly upgraded: boolean;
}

interface NodeParser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(bytes: Buffer): number | (Error & { code: string });
  [callback: number]: unknown;
}

interface NodeParserClass {
  new (): NodeParser;
  readonly REQUEST: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

const require = createRequire(import.meta.url);
const common = require("node:_http_common") as { HTTPParser: NodeParserClass; methods: readonly string[] };
const { HTTPParser } = common;

export function llhttp(input: string, maxHeaderBytes = 65_535): OracleResult {
  const parser = new HTTPParser();
  const requests: OracleRequest[] = [];
  let current: OracleRequest | undefined;
  let early: string[] = [];
  let earlyTarget = "";
  let upgraded = false;
  parser.initialize(HTTPParser.REQUEST, {}, maxHeaderBytes, 0);
  parser[HTTPParser.kOnHeaders] = (fields: string[], target: string) => {
    // Flushed in batches; after the content these are trailers.
    if (current === undefined) {
      early.push(...fields);
      earlyTarget += target;
    }
  };
  parser[HTTPParser.kOnHeadersComplete] = (
    _major: number,
    _minor: number,
    fields: string[] | undefined,
    method: number,
    target: string | undefined,
    _status: number,
    _reason: string,
    upgrade: boolean,
  ) => {
    upgraded = upgrade;
    current = {
      method: allMethods(method),
      target: target ?? earlyTarget,
      fields: fields ?? early,
      body: "",
    };
    early = [];
    earlyTarget = "";
    return 0;
  };
  parser[HTTPParser.kOnBody] = (bytes: Buffer) => {
    current!.body += bytes.toString("latin1");
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    requests.push(current!);
    current = undefined;
  };
  const result = parser.execute(Buffer.from(input, "latin1"));
  return { requests, error: typeof result === "number" ? undefined : result.code, upgraded };
}

/** Numbers of methods differ between versions of Node; the binding has the list that belongs to them. */
const binding = common as { allMethods?: readonly string[]; methods: readonly string[] };
function allMethods(id: number): string {
  return (binding.allMethods ?? binding.methods)[id] ?? String(id);
}
