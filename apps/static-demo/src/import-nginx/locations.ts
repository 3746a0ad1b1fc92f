/** The `location` blocks of a server, with what is in force in each. */
import type { Directive } from "./directive.js";
import { type LocationMatch, locationMatch } from "./location-match.js";
import { readBlock } from "./read-block.js";
import type { Report } from "./report.js";
import type { Settings } from "./settings.js";

export interface Place {
  readonly match: Exclude<LocationMatch, { kind: "unknown" }>;
  readonly settings: Settings;
  readonly directive: Directive;
  /** Path of the location around it; `"/"` for one of the server. */
  readonly within: string;
}

export type PlaceOf<Kind extends Place["match"]["kind"]> = Place & { match: { kind: Kind } };

export function ofKind<Kind extends Place["match"]["kind"]>(
  places: readonly Place[],
  kind: Kind,
): PlaceOf<Kind>[] {
  return places.filter((place): place is PlaceOf<Kind> => place.match.kind === kind);
}

const LOCATION: ReadonlySet<string> = new Set(["location"]);

/** In the order of the file; those in others follow them. */
export function readLocations(
  directives: readonly Directive[],
  outer: Settings,
  report: Report,
  within = "/",
): Place[] {
  return directives
    .filter(({ name }) => name === "location")
    .flatMap((directive) => {
      const match = locationMatch(directive);
      const inner = directive.block ?? [];
      const settings = readBlock(inner, outer, report, LOCATION);
      if (match.kind === "unknown") {
        report.refuse(directive, match.why);
        return [];
      }
      const below = match.kind === "prefix" ? match.path : within;
      return [{ match, settings, directive, within }, ...readLocations(inner, settings, report, below)];
    });
}
