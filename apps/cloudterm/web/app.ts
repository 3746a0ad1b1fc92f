import { ApiError, api, useWelcome, type Welcome, whenLoggedOut } from "./api.js";
import { h, show, toast } from "./dom.js";
import { type LoginWays, logIn, setUp } from "./login-view.js";
import { applyTheme } from "./settings.js";
import { openShared } from "./shared-view.js";
import { Workspace } from "./workspace.js";

let workspace: Workspace | undefined;
const RETRY_MS = 2000;

/** The one-time secret of the address bar; it leaves it at once. */
function takeHash(): URLSearchParams {
  const hash = new URLSearchParams(location.hash.slice(1));
  // A guest may reload; the link to set the first password is good once anyway.
  if (hash.has("setup") || hash.has("problem")) history.replaceState(undefined, "", location.pathname);
  return hash;
}

async function currentSession(): Promise<Welcome | LoginWays> {
  for (;;) {
    try {
      return await api<Welcome>("GET", "session");
    } catch (error) {
      if (error instanceof ApiError && error.status < 500)
        return { singleSignOn: error.data.singleSignOn === true };
      show(
        h(
          "main",
          { className: "card" },
          h("h1", {}, "cloudterm"),
          h("p", {}, "The gateway cannot be reached; trying again …"),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function loggedIn(): Promise<Welcome> {
  const current = await currentSession();
  return "user" in current ? current : logIn(current);
}

async function start(): Promise<void> {
  const hash = takeHash();
  const share = hash.get("share");
  if (share !== null) {
    await openShared(share);
    return;
  }
  const setup = hash.get("setup");
  const problem = hash.get("problem");
  if (problem !== null) toast(problem, "error");
  const welcome = setup !== null ? await setUp(setup) : await loggedIn();
  useWelcome(welcome);
  workspace = new Workspace(welcome, loggedOut);
  await workspace.start();
}

function loggedOut(): void {
  if (workspace === undefined) return;
  workspace.close();
  workspace = undefined;
  for (const each of document.querySelectorAll("dialog")) each.close();
  toast("You are logged out.");
  void start();
}

applyTheme();
whenLoggedOut(loggedOut);
void start().catch((error: unknown) => toast(String(error), "error"));
