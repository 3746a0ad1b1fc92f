import { WsError } from "../errors.js";
import {
  CONNECTION_OPTIONS,
  type ConnectionOptions,
  type ConnectionSettings,
  connectionSettings,
  type DeflateOptions,
  type DeflateSettings,
  deflateSettings,
  pickOptions,
  refuseUnknownOptions,
} from "../options.js";

/** Options of both ends over Node's sockets. */
export interface SharedOptions extends ConnectionOptions {
  /** permessage-deflate: `true` for its defaults. Default: false. */
  readonly deflate?: boolean | DeflateOptions | undefined;
}

export interface SharedSettings {
  readonly settings: ConnectionSettings;
  readonly deflate: DeflateSettings | undefined;
}

/**
 * Validates what both ends have in common.
 *
 * @param others the other options that `owner` takes
 * @throws WsError `TZ_WS_OPTION`
 */
export function sharedSettings(
  owner: string,
  options: SharedOptions,
  others: readonly string[],
): SharedSettings {
  refuseUnknownOptions(owner, options, [...Object.keys(CONNECTION_OPTIONS), "deflate", ...others]);
  return {
    settings: connectionSettings(pickOptions(options, CONNECTION_OPTIONS)),
    deflate: deflateOf(options.deflate),
  };
}

function deflateOf(given: boolean | DeflateOptions | undefined): DeflateSettings | undefined {
  if (given === undefined || given === false) return undefined;
  if (given === true) return deflateSettings();
  if (typeof given === "object" && given !== null) return deflateSettings(given);
  throw new WsError("TZ_WS_OPTION", 'option "deflate" must be true, false or an object of deflate options');
}
