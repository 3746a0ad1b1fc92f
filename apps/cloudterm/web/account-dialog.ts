import { ApiError, api, useWelcome, type Welcome } from "./api.js";
import { dialog, field, h, toast, when } from "./dom.js";
import { passkeyForm } from "./passkey-form.js";
import { qrCode } from "./qr-code.js";

interface SessionInfo {
  readonly id: string;
  readonly user: string;
  readonly createdMs: number;
  readonly lastSeenMs: number;
  readonly address: string;
  readonly agent: string;
}

/** Sends a form and shows what went wrong. */
export function submitting(form: HTMLFormElement, send: () => Promise<void>): HTMLFormElement {
  const problem = h("p", { className: "problem", role: "alert" });
  form.append(problem);
  form.onsubmit = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      await send();
    } catch (error) {
      problem.textContent = error instanceof ApiError ? error.message : "The gateway cannot be reached.";
    }
  };
  return form;
}

const secretInput = (autocomplete: AutoFill) =>
  h("input", { type: "password", autocomplete, required: true });

export async function openAccount(first: Welcome, onLogout: () => void): Promise<void> {
  let welcome = first;
  const factor = h("div", {});
  const keys = h("div", {});
  const update = (next: Welcome) => {
    welcome = next;
    useWelcome(next);
    factor.replaceChildren(...secondFactor(welcome, update));
    keys.replaceChildren(passkeyForm(welcome, update));
  };
  factor.append(...secondFactor(welcome, update));
  keys.append(passkeyForm(welcome, update));
  const sessions = h("ul", { className: "rows" });
  const logout = h("button", { type: "button" }, "Log out");
  const everywhere = h("button", { type: "button", className: "danger" }, "Log out everywhere");
  const element = dialog(
    `Account of ${welcome.user}`,
    h("div", { className: "actions" }, logout, everywhere),
    h("h3", {}, "Logins"),
    sessions,
    h("h3", {}, "Password"),
    passwordForm(update),
    h("h3", {}, "Second factor"),
    factor,
    h("h3", {}, "Passkeys"),
    keys,
  );
  const leave = async (path: string) => {
    await api("POST", path).catch(() => {});
    element.close();
    onLogout();
  };
  logout.onclick = () => void leave("logout");
  everywhere.onclick = () => void leave("logout-everywhere");
  await listSessions(sessions);
}

async function listSessions(list: HTMLElement): Promise<void> {
  const { current, sessions } = await api<{ current: string; sessions: SessionInfo[] }>("GET", "sessions");
  list.replaceChildren(
    ...sessions.map(({ id, createdMs, lastSeenMs, address, agent }) => {
      const end = h("button", { type: "button", className: "danger" }, "End");
      end.onclick = async () => {
        await api("DELETE", `sessions/${id}`);
        await listSessions(list);
      };
      const text = `${address} · since ${when(createdMs)} · seen ${when(lastSeenMs)}`;
      return h(
        "li",
        {},
        h("span", {}, text, h("small", {}, agent.slice(0, 90))),
        id === current ? h("strong", {}, "this one") : end,
      );
    }),
  );
}

function passwordForm(update: (welcome: Welcome) => void): HTMLFormElement {
  const [current, next] = [secretInput("current-password"), secretInput("new-password")];
  next.minLength = 10;
  const change = h("button", { type: "submit" }, "Change password");
  const form = h("form", { className: "grid" }, field("Current", current), field("New", next), change);
  return submitting(form, async () => {
    update(await api<Welcome>("POST", "account/password", { current: current.value, next: next.value }));
    form.reset();
    toast("The password is changed; your other logins are over.");
  });
}

function secondFactor(welcome: Welcome, update: (welcome: Welcome) => void): HTMLElement[] {
  if (welcome.hasTotp) return [disableForm(welcome, update)];
  const begin = h("button", { type: "button", className: "primary" }, "Set up an authenticator");
  const place = h("div", {}, begin);
  begin.onclick = () => void enroll(place, update);
  return [place];
}

function disableForm(welcome: Welcome, update: (welcome: Welcome) => void): HTMLElement {
  const password = secretInput("current-password");
  const button = h("button", { type: "submit", className: "danger" }, "Turn off");
  const form = h("form", { className: "grid" }, field("Password", password), button);
  const text = `An authenticator is set up; ${welcome.recoveryLeft} recovery codes are left.`;
  return h(
    "div",
    {},
    h("p", {}, text),
    submitting(form, async () => {
      update(await api<Welcome>("POST", "account/totp/disable", { password: password.value }));
    }),
  );
}

async function enroll(place: HTMLElement, update: (welcome: Welcome) => void): Promise<void> {
  const begun = await api<{ secret: string; uri: string; ticket: string }>("POST", "account/totp");
  let { ticket } = begun;
  const secret = h("input", {
    readOnly: true,
    name: "secret",
    value: begun.secret,
    aria: { label: "Secret" },
  });
  const secretField = field("Secret", secret);
  secretField.className = "wide";
  const code = h("input", {
    name: "code",
    autocomplete: "one-time-code",
    inputMode: "numeric",
    required: true,
  });
  const password = secretInput("current-password");
  const form = h(
    "form",
    { className: "grid" },
    secretField,
    field("Code that it shows", code),
    field("Your password", password),
    h("button", { type: "submit", className: "primary" }, "Turn on"),
  );
  const link = h("a", { href: begun.uri }, "Open in an authenticator on this device");
  place.replaceChildren(
    h("p", {}, "Scan this with an authenticator app, or enter the secret, or: ", link),
    qrCode(begun.uri),
    form,
  );
  submitting(form, async () => {
    try {
      const { codes, welcome } = await api<{ codes: string[]; welcome: Welcome }>(
        "POST",
        "account/totp/confirm",
        {
          ticket,
          code: code.value,
          password: password.value,
        },
      );
      update(welcome);
      const lines = codes.map((each) => h("li", {}, h("code", {}, each)));
      dialog(
        "Recovery codes",
        h("p", {}, "Each opens your account once when the authenticator is lost. They are shown only now."),
        h("ol", { className: "codes" }, ...lines),
      );
    } catch (error) {
      if (error instanceof ApiError && typeof error.data.ticket === "string") ticket = error.data.ticket;
      throw error;
    }
  });
}
