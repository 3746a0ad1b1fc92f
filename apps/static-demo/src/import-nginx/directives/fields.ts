/** What is sent with a file: its fields, its type, its pages of errors. */
import { refusalOfField } from "@tz/static";
import { secondsOf } from "../units.js";
import { constants, type Handler, switched } from "./handler.js";

/** What nginx says for `max`: ten years. */
const MAX_S = 315_360_000;

const expires: Handler = (directive, scope) => {
  const [word = ""] = directive.args;
  const { settings, report } = scope;
  const seconds = secondsOf(directive.args.join(" "));
  if (word === "off") settings.expires = null;
  else if (word === "max") settings.expires = `max-age=${MAX_S}`;
  else if (word === "epoch" || /^-\d/.test(word)) settings.expires = "no-cache";
  else if (seconds !== undefined) settings.expires = `max-age=${seconds}`;
  else {
    report.refuse(
      directive,
      "takes a time as 30d, max, epoch or off; for others set Cache-Control by add_header",
    );
  }
};

const addHeader: Handler = (directive, scope) => {
  const { settings, outer, report } = scope;
  const [name = "", value = "", always, ...more] = directive.args;
  const refuse = (what: string) => report.refuse(directive, what);
  if (directive.args.length < 2 || more.length > 0 || (always !== undefined && always !== "always")) {
    return refuse("takes a name, a value and perhaps always");
  }
  if (value.includes("$")) return refuse(`a configuration has no variables (${value}); write the value`);
  const refusal = refusalOfField(name, value.trim());
  if (refusal !== undefined) return refuse(refusal);
  const own = settings.fields === outer.fields ? [] : (settings.fields ?? []);
  // An empty value sends nothing; the directive still takes the place of those around it.
  const added = value.trim() === "" ? [] : [{ name, value: value.trim(), isAlways: always !== undefined }];
  settings.fields = [...own, ...added];
  return undefined;
};

const errorPage: Handler = (directive, scope) => {
  const { settings, outer, report } = scope;
  const words = constants(directive, scope);
  if (words === undefined) return;
  const target = words.at(-1)!;
  const statuses = words.slice(0, -1).filter((word) => /^\d+$/.test(word));
  const answer = words.slice(0, -1).find((word) => word.startsWith("="));
  const own = settings.errorPages === outer.errorPages ? [] : (settings.errorPages ?? []);
  if (answer === "=200" && statuses.join() === "404" && target.startsWith("/")) {
    settings.errorPages = [...own, { statuses: [404], target, isFound: true, directive }];
    report.note(
      directive,
      "the page is for navigations (Accept: text/html, no extension); other names that are missing are 404",
    );
    return;
  }
  const isGood = statuses.length > 0 && statuses.every((status) => /^[45]\d\d$/.test(status));
  if (answer !== undefined || !target.startsWith("/") || !isGood) {
    report.refuse(
      directive,
      "takes statuses from 400 to 599 and a file as /404.html; other answers need @tz/server",
    );
    return;
  }
  settings.errorPages = [...own, { statuses: statuses.map(Number), target, isFound: false, directive }];
};

const charset: Handler = (directive, scope) => {
  const [name] = constants(directive, scope) ?? [];
  if (name === undefined) return;
  scope.settings.charset = name === "off" ? false : name.toLowerCase();
  if (name !== "off") {
    scope.report.note(
      directive,
      "goes with all text, also with text/css, application/json and image/svg+xml, where nginx sends it only with charset_types",
    );
  }
};

const types: Handler = (directive, { settings, report }) => {
  const map: Record<string, string> = {};
  for (const { name: type, args } of directive.block ?? []) {
    for (const extension of args) map[`.${extension}`] = type;
  }
  if (Object.keys(map).length === 0) {
    report.refuse(directive, "no types at all cannot be said; leave it out");
    return;
  }
  settings.types = map;
  report.note(
    directive,
    "these types are added to the table of tz; in nginx they replace the one around them",
  );
};

const defaultType: Handler = (directive, { report }) => {
  if (directive.args[0] !== "application/octet-stream") {
    report.note(directive, "files with an unknown extension, or none, are application/octet-stream");
  }
};

const etag: Handler = (directive, scope) => {
  const isOn = switched(directive, scope);
  if (isOn !== undefined) scope.settings.hasNoTags = !isOn;
};

export const FIELD_DIRECTIVES: Readonly<Record<string, Handler>> = {
  expires,
  add_header: addHeader,
  error_page: errorPage,
  charset,
  types,
  default_type: defaultType,
  etag,
};
