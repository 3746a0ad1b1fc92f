/** Error pages and the folders that they come from. */
import { directoryOf } from "./directives/files.js";
import type { PlaceOf } from "./locations.js";
import type { Report } from "./report.js";
import type { Settings } from "./settings.js";

/** Pages whose exact location takes them from another folder cannot be shown by the mount. */
export function withPagesThatAreThere(
  settings: Settings,
  exact: readonly PlaceOf<"exact">[],
  report: Report,
): Settings {
  const { errorPages } = settings;
  if (errorPages === undefined) return settings;
  const here = errorPages.filter(({ target, statuses, isFound, directive }) => {
    // Its place is that of the mount's own pages: the mount says whether it has it.
    if (isFound) return true;
    const own = exact.find(({ match }) => match.path === target);
    if (own === undefined || directoryOf(own.settings, target) === directoryOf(settings, target)) return true;
    if (statuses.every((status) => status >= 500)) {
      report.note(directive, "left out: files give no such errors, and the page lies in another folder");
    } else {
      report.refuse(directive, `its page lies in another folder; put it at ${directoryOf(settings, target)}`);
    }
    return false;
  });
  return { ...settings, errorPages: here };
}

/** Is this the page of errors that files do not give? */
export function isServerErrorPage(path: string, { errorPages = [] }: Settings): boolean {
  const pages = errorPages.filter(({ target }) => target === path);
  return pages.length > 0 && pages.every(({ statuses }) => statuses.every((status) => status >= 500));
}
