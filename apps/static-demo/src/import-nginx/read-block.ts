import type { Directive } from "./directive.js";
import { adviceFor } from "./directives/advice.js";
import { FIELD_DIRECTIVES } from "./directives/fields.js";
import { FILE_DIRECTIVES } from "./directives/files.js";
import type { Handler } from "./directives/handler.js";
import { leftOut } from "./directives/left-out.js";
import { SENDING_DIRECTIVES } from "./directives/sending.js";
import { isTypesFile } from "./include.js";
import type { Report } from "./report.js";
import { inherited, type Settings } from "./settings.js";

const HANDLERS: Readonly<Record<string, Handler>> = {
  ...FILE_DIRECTIVES,
  ...FIELD_DIRECTIVES,
  ...SENDING_DIRECTIVES,
};

/**
 * What is in force in a block. What is not known is refused.
 * @param elsewhere names that the caller reads itself
 */
export function readBlock(
  directives: readonly Directive[],
  outer: Settings,
  report: Report,
  elsewhere: ReadonlySet<string>,
): Settings {
  const settings = inherited(outer);
  const scope = { settings, outer, report };
  for (const directive of directives) {
    const { name, args } = directive;
    if (elsewhere.has(name) || isPointless(directive)) continue;
    if (isTypesFile(directive)) {
      report.note(
        directive,
        "media types come from the table of tz: JavaScript is text/javascript (RFC 9239)",
      );
      continue;
    }
    if (name === "include") {
      report.refuse(directive, "is not there; give the path of the file, or paste what it has");
      continue;
    }
    const handler = Object.hasOwn(HANDLERS, name) ? HANDLERS[name] : undefined;
    const silence = leftOut(name);
    if (handler !== undefined) handler(directive, scope);
    else if (silence === undefined) report.refuse(directive, adviceFor(name));
    else if (silence !== "" && args[0] !== "off") report.note(directive, silence);
  }
  return settings;
}

/** `if ($request_method !~ ^(GET|HEAD)$) { return 405; }`: so it is. */
function isPointless({ name, args, block }: Directive): boolean {
  if (
    name !== "if" ||
    !/^\(\$request_method !~\*? ?\^?\(?(?:(?:GET|HEAD|OPTIONS)\|?)+\)?\$? ?\)$/.test(args.join(" "))
  ) {
    return false;
  }
  return block?.length === 1 && block[0]!.name === "return" && /^4\d\d$/.test(block[0]!.args[0] ?? "");
}
