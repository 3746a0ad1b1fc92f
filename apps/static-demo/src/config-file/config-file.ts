import type { StaticOptions } from "@tz/static";

/** One directory behind one prefix. */
export interface MountConfig extends StaticOptions {
  /** Where it is served: `"/"` (the default) or as `"/assets"`. */
  readonly prefix?: string;
  /** The directory, meant from the folder of the config file. */
  readonly root: string;
}

interface ServerConfig {
  /** For editors; not read. */
  readonly $schema?: string;
  /** An address of this machine, a name for one, or the path of a Unix socket. Default `"127.0.0.1"`. */
  readonly host?: string;
  /** Default 8080; 0 picks a free one. */
  readonly port?: number;
  /** `"auto"`: the fastest that works here. */
  readonly loop?: "auto" | "epoll" | "node";
  /** Processes that serve. Default 1; `"auto"`: one for each processor. */
  readonly workers?: number | "auto";
  /** Each worker runs on one processor. */
  readonly pin?: boolean;
  /** After binding, become this user (as root only). */
  readonly user?: string;
  /** And this group, instead of the user's own. */
  readonly group?: string;
  /** Who may connect to a Unix socket, in octal: `"660"`. */
  readonly socketMode?: string;
  /** HTTPS with this certificate, a PEM file; relative to the config file. */
  readonly cert?: string;
  /** The private key of `cert`, a PEM file. */
  readonly key?: string;
  /** HTTPS with a certificate made for this run: for development. */
  readonly tlsSelfSigned?: boolean;
  /** HTTP/2 too, with clients that offer it over HTTPS. */
  readonly http2?: boolean;
  /** Tell browsers to come by HTTPS only, for so many seconds; `true` is a year. */
  readonly hsts?: number | true;
  /** Requests to this port are sent to HTTPS. */
  readonly httpRedirect?: number;
  /** No notes on stderr, only errors. */
  readonly quiet?: boolean;
}

/**
 * What a config file holds: the server's options, and either `mounts` or the options of one mount. Without `root`,
 * the one mount serves the DIR of the command line.
 */
export type ConfigFile =
  | (ServerConfig & { readonly mounts: readonly MountConfig[] })
  | (ServerConfig & Omit<MountConfig, "root"> & { readonly root?: string; readonly mounts?: undefined });

/**
 * Types a config file that is a module.
 * @example
 * ```js
 * // tz-static.config.mjs
 * import { defineConfig } from "tz-static/config";
 *
 * export default defineConfig({
 *   port: 9000,
 *   mounts: [
 *     { root: "./dist", precompressed: true, spaFallback: true },
 *     { prefix: "/media", root: "/srv/media", maxAge: 86400 },
 *   ],
 * });
 * ```
 */
export function defineConfig(config: ConfigFile): ConfigFile {
  return config;
}
