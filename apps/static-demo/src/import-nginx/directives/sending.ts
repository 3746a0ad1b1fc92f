/** How files are sent: compressed, in parts, slowly. */
import type { Coding, Settings } from "../settings.js";
import { bytesOf } from "../units.js";
import { type Handler, switched } from "./handler.js";

type CodingName = "gzip" | "brotli";
const OFF: Coding = { isOn: false, level: undefined, minBytes: undefined, types: undefined };

function changed(settings: Settings, name: CodingName, change: Partial<Coding>): void {
  settings[name] = { ...OFF, ...settings[name], ...change };
}

function onOff(name: CodingName): Handler {
  return (directive, scope) => {
    const isOn = switched(directive, scope);
    if (isOn !== undefined) changed(scope.settings, name, { isOn });
  };
}

function level(name: CodingName): Handler {
  return (directive, { settings, report }) => {
    const value = Number(directive.args[0]);
    if (Number.isInteger(value) && value >= 0 && value <= 11)
      changed(settings, name, { level: Math.max(1, value) });
    else report.refuse(directive, "takes a level from 1 to 11");
  };
}

function minBytes(name: CodingName): Handler {
  return (directive, { settings, report }) => {
    const bytes = bytesOf(directive.args[0] ?? "");
    if (bytes === undefined) report.refuse(directive, "takes a size as 1k");
    else changed(settings, name, { minBytes: bytes });
  };
}

function types(name: CodingName): Handler {
  return (directive, { settings }) => changed(settings, name, { types: directive.args });
}

function sidecars(coding: "gzip" | "br" | "zstd"): Handler {
  return (directive, { settings, report }) => {
    const [word] = directive.args;
    if (word !== "on" && word !== "off" && word !== "always") {
      report.refuse(directive, "takes on, off or always");
      return;
    }
    if (word === "always")
      report.note(directive, "clients that do not take the coding get the file as it is");
    const others = (settings.sidecars ?? []).filter((each) => each !== coding);
    settings.sidecars = word === "off" ? others : [...others, coding];
  };
}

const limitRate: Handler = (directive, { settings, report }) => {
  const bytes = bytesOf(directive.args[0] ?? "");
  if (bytes === undefined) report.refuse(directive, "takes bytes a second, as 500k");
  else if (bytes > 0 && bytes < 1024) report.refuse(directive, "cannot be less than 1k");
  else if (bytes > 0) settings.bytesPerSecond = bytes;
  else delete settings.bytesPerSecond;
};

const maxRanges: Handler = (directive, { settings, report }) => {
  const value = Number(directive.args[0]);
  if (Number.isInteger(value) && value >= 0 && value <= 1000) settings.maxRanges = value;
  else report.refuse(directive, "takes a number from 0 to 1000");
};

export const SENDING_DIRECTIVES: Readonly<Record<string, Handler>> = {
  gzip: onOff("gzip"),
  gzip_comp_level: level("gzip"),
  gzip_min_length: minBytes("gzip"),
  gzip_types: types("gzip"),
  gzip_static: sidecars("gzip"),
  brotli: onOff("brotli"),
  brotli_comp_level: level("brotli"),
  brotli_min_length: minBytes("brotli"),
  brotli_types: types("brotli"),
  brotli_static: sidecars("br"),
  zstd_static: sidecars("zstd"),
  limit_rate: limitRate,
  max_ranges: maxRanges,
};
