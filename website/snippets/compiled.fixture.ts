import { join } from "node:path";
import ts from "typescript";
import { root } from "./example-project.fixture.js";

/** Where what the examples import is installed: each name is looked for from these, in this order. */
const importers = ["packages/server", "packages/static", "packages/cloudterm", "apps/static-demo", "website"];

/** What the text around a fragment has: names that the reader's program brings. */
const surroundings = `
import type { createServer as create } from "@tz/server";
declare global {
  const app: ReturnType<typeof create>;
  const server: ReturnType<typeof create>;
  const createServer: typeof import("@tz/server").createServer;
  const staticMount: typeof import("@tz/static").staticMount;
  const { toNodeHandler, toFetchHandler }: typeof import("@tz/static");
  const { bytes, dependency, redirectToHttps, newTicketKeys, sse }: typeof import("@tz/server");
  const sys: typeof import("@tz/sys");
  const cert: string, key: string, other: string, otherKey: string, port: number;
  const fd: number, address: number, capacity: number;
  const users: import("@tz/cloudterm").UsersFile;
  const log: { info(event: unknown): void };
  const pool: { ping(): Promise<void> };
  const hono: import("hono").Hono;
  const Piscina: new (options: object) => { run(task: unknown, options: object): Promise<Uint8Array>; destroy(): Promise<void> };
  function search(query: string | null): string;
  function eventsSince(id: string | undefined, signal: AbortSignal): AsyncIterable<import("@tz/server").ServerSentEvent>;
}
`;
/** What is too large to be installed for one example. */
const absent = `
declare module "@opentelemetry/exporter-trace-otlp-http" {
  export class OTLPTraceExporter {
    export(spans: unknown[], done: (result: { code: number }) => void): void;
    shutdown(): Promise<void>;
  }
}
`;
/** A piece of code of a page. */
export interface Block {
  readonly name: string;
  readonly code: string;
  /** Plain JavaScript, which cannot narrow by annotations. */
  readonly isPlain?: boolean;
}

/** What the compiler says of `code`, one line each. */
export function complaints(code: readonly Block[]): string[] {
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      ...ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile).config.compilerOptions,
      // A reader's project: strict, but plain JavaScript has no annotations.
      noImplicitAny: false,
      exactOptionalPropertyTypes: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      noUncheckedIndexedAccess: false,
      isolatedModules: false,
      declaration: false,
      lib: ["es2023", "dom"],
      typeRoots: [join(root, "node_modules/@types")],
    },
    root,
  );
  const virtual = new Map<string, Block>(
    code.map((block, index) => [join(root, `example-${index}.ts`), block]),
  );
  virtual.set(join(root, "surroundings.ts"), { name: "surroundings", code: surroundings });
  virtual.set(join(root, "absent.d.ts"), { name: "absent", code: absent });
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => virtual.has(path) || fileExists(path);
  host.readFile = (path) => virtual.get(path)?.code ?? readFile(path);
  host.getSourceFile = (path, language, ...rest) => {
    const own = virtual.get(path);
    return own ? ts.createSourceFile(path, own.code, language, true) : getSourceFile(path, language, ...rest);
  };
  host.resolveModuleNameLiterals = (literals, from) =>
    literals.map(({ text }) => {
      const places = virtual.has(from)
        ? importers.map((folder) => join(root, folder, "src/example.ts"))
        : [from];
      for (const place of places) {
        const found = ts.resolveModuleName(text, place, options, host);
        if (found.resolvedModule) return found;
      }
      return { resolvedModule: undefined };
    });
  const program = ts.createProgram([...virtual.keys()], options, host);
  return [...virtual].flatMap(([path, { name, isPlain }]) => {
    const source = program.getSourceFile(path)!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
      .filter((complaint) => !(isPlain && isAboutNarrowing(complaint)))
      .map(({ start = 0, messageText }) => {
        const { line } = source.getLineAndCharacterOfPosition(start);
        return `${name}, line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
      });
  });
}

/** Something may be absent, or is one of several: an example in plain JavaScript knows which. */
function isAboutNarrowing({ messageText, code }: ts.Diagnostic): boolean {
  const text = ts.flattenDiagnosticMessageText(messageText, " ");
  return (
    /possibly '(null|undefined)'|'unknown'/.test(text) || (code === 2339 && typeof messageText !== "string")
  );
}
