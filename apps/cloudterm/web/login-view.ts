import {
  browserSupportsWebAuthn,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
} from "@simplewebauthn/browser";
import { ApiError, api, urlOf, type Welcome } from "./api.js";
import { field, h, show } from "./dom.js";

/** How one may log in here, beside password and passkey. */
export interface LoginWays {
  readonly singleSignOn: boolean;
}

/** Resolves when somebody is logged in. */
export function logIn(ways: LoginWays): Promise<Welcome> {
  return new Promise((resolve) => askPassword(ways, resolve));
}

function card(title: string, ...content: readonly (Node | string)[]): HTMLElement {
  return h(
    "main",
    { className: "card" },
    h("h1", {}, "cloudterm"),
    h("p", { className: "lead" }, title),
    ...content,
  );
}

/** A form that shows what went wrong and cannot be sent twice. */
function formOf(action: string, inputs: readonly HTMLElement[], send: () => Promise<void>): HTMLFormElement {
  const button = h("button", { className: "primary", type: "submit" }, action);
  const problem = h("p", { className: "problem", role: "alert" });
  const form = h("form", {}, ...inputs, problem, button);
  form.onsubmit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.textContent = "";
    try {
      await send();
    } catch (error) {
      problem.textContent = error instanceof ApiError ? error.message : "The gateway cannot be reached.";
    } finally {
      button.disabled = false;
    }
  };
  return form;
}

function askPassword(ways: LoginWays, done: (welcome: Welcome) => void): void {
  const user = h("input", {
    name: "username",
    autocomplete: "username",
    required: true,
    autocapitalize: "none",
  });
  const password = h("input", {
    name: "password",
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  const form = formOf("Log in", [field("User", user), field("Password", password)], async () => {
    const answer = await api<Welcome | { next: "code"; ticket: string }>("POST", "login", {
      user: user.value,
      password: password.value,
    }).catch((error: unknown) => {
      password.value = "";
      password.focus();
      throw error;
    });
    if ("next" in answer) askCode(answer.ticket, ways, done);
    else done(answer);
  });
  show(card("Log in to your terminals.", form, ...otherWays(ways, done)));
  user.focus();
}

/** A passkey, the provider of single sign-on. */
function otherWays({ singleSignOn }: LoginWays, done: (welcome: Welcome) => void): HTMLElement[] {
  const found: HTMLElement[] = [];
  if (browserSupportsWebAuthn()) {
    const form = formOf("Use a passkey", [], async () => {
      const { options, ticket } = await api<{
        options: PublicKeyCredentialRequestOptionsJSON;
        ticket: string;
      }>("POST", "login/passkey", {});
      const response = await startAuthentication({ optionsJSON: options }).catch(() => {
        throw new ApiError(400, { message: "No passkey was used." });
      });
      done(await api<Welcome>("POST", "login/passkey/finish", { ticket, response }));
    });
    form.querySelector("button")!.classList.remove("primary");
    found.push(form);
  }
  if (singleSignOn) {
    found.push(h("a", { className: "button", href: urlOf("oidc/login").href }, "Single sign-on"));
  }
  return found;
}

function askCode(first: string, ways: LoginWays, done: (welcome: Welcome) => void): void {
  let ticket = first;
  const code = h("input", { name: "code", autocomplete: "one-time-code", inputMode: "text", required: true });
  const form = formOf("Continue", [field("Code", code)], async () => {
    try {
      done(await api<Welcome>("POST", "login/code", { ticket, code: code.value }));
    } catch (error) {
      code.value = "";
      code.focus();
      if (error instanceof ApiError && typeof error.data.ticket === "string") ticket = error.data.ticket;
      else if (error instanceof ApiError && error.status !== 429)
        setTimeout(() => askPassword(ways, done), 2000);
      throw error;
    }
  });
  show(card("The code of your authenticator, or a recovery code.", form));
  code.focus();
}

/** The first administrator, through the one-time link. */
export function setUp(ticket: string): Promise<Welcome> {
  return new Promise((resolve) => {
    const user = h("input", { name: "username", autocomplete: "username", value: "admin", required: true });
    const password = h("input", {
      name: "password",
      type: "password",
      autocomplete: "new-password",
      required: true,
      minLength: 10,
    });
    const again = h("input", {
      name: "again",
      type: "password",
      autocomplete: "new-password",
      required: true,
    });
    const inputs = [
      field("User", user),
      field("Password (10 characters or more)", password),
      field("Once more", again),
    ];
    const form = formOf("Set password", inputs, async () => {
      if (password.value !== again.value) throw new ApiError(400, { message: "The two passwords differ." });
      resolve(await api<Welcome>("POST", "setup", { ticket, user: user.value, password: password.value }));
    });
    show(card("First run: choose the administrator's password.", form));
    password.focus();
  });
}
