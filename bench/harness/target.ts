import { readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** Where a server under test listens and what it serves. */
export interface Serving {
  readonly port: number;
  /** Folder of the files; empty for targets that serve routes. */
  readonly root: string;
  /** Scratch folder of this run, for configurations, pid files and compiled programs. */
  readonly work: string;
  /** Where a proxy sends what it gets. */
  readonly upstreamPort?: number;
}

/**
 * A server that can be measured. Each lives in its own file below `targets/`, exports itself as `target`, and
 * runs alone too: `node bench/targets/nginx.mjs --port 8005 --root ./site`.
 */
export interface Target {
  readonly name: string;
  /** What it is and how it was set up for speed, in a few words. */
  readonly about: string;
  /** The version that will run, or what is missing and how to get it. */
  probe(): { readonly version: string } | { readonly missing: string };
  /** Prepares (compiles, writes a configuration) and gives the command that serves in the foreground. */
  command(serving: Serving): readonly string[];
}

/** Loads targets by name: a new file in `targets/` is a new peer, nothing else has to know it. */
export async function loadTargets(names: readonly string[]): Promise<Target[]> {
  const folder = new URL("../targets/", import.meta.url);
  const known = readdirSync(folder).filter((file) => file.endsWith(".mjs"));
  return Promise.all(
    names.map(async (name) => {
      const file = `${name}.mjs`;
      if (!known.includes(file))
        throw new Error(`no target ${JSON.stringify(name)}; there are ${known.join(", ")}`);
      const module = (await import(new URL(file, pathToFileURL(folder.pathname)).href)) as { target: Target };
      return module.target;
    }),
  );
}
