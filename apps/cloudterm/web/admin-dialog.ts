import { submitting } from "./account-dialog.js";
import { api, type TerminalInfo, type Welcome } from "./api.js";
import { confirmed, dialog, field, h, toast, when } from "./dom.js";

interface UserInfo {
  readonly name: string;
  readonly role: string;
  readonly hasPassword: boolean;
  readonly hasTotp: boolean;
}

interface SessionInfo {
  readonly id: string;
  readonly user: string;
  readonly lastSeenMs: number;
  readonly address: string;
}

/** Users, live sessions, terminals, audit. */
export async function openAdmin(welcome: Welcome): Promise<void> {
  const users = h("ul", { className: "rows" });
  const sessions = h("ul", { className: "rows" });
  const terminals = h("ul", { className: "rows" });
  const audit = h("pre", { className: "audit", tabIndex: 0 });
  const refresh = async () => {
    const [a, b, c, d] = await Promise.all([
      api<{ users: UserInfo[] }>("GET", "admin/users"),
      api<{ sessions: SessionInfo[] }>("GET", "admin/sessions"),
      api<{ terminals: TerminalInfo[] }>("GET", "admin/terminals"),
      api<{ events: Record<string, unknown>[] }>("GET", "admin/audit"),
    ]);
    users.replaceChildren(
      ...a.users.map(({ name, role, hasPassword, hasTotp }) => {
        const factors = [hasPassword && "password", hasTotp && "codes"].filter(Boolean).join(", ");
        return row(
          `${name} · ${role} · ${factors}`,
          name === welcome.user ? undefined : "Remove",
          async () => {
            if (!(await confirmed(`Remove ${name} and end their terminals?`, "Remove"))) return;
            await api("DELETE", `admin/users/${encodeURIComponent(name)}`);
          },
        );
      }),
    );
    sessions.replaceChildren(
      ...b.sessions.map(({ id, user, address, lastSeenMs }) =>
        row(
          `${user} · ${address} · seen ${when(lastSeenMs)}`,
          id === welcome.session ? undefined : "Kick",
          () => api("DELETE", `admin/sessions/${id}`),
        ),
      ),
    );
    terminals.replaceChildren(
      ...c.terminals.map(({ id, user, title, viewers, end }) =>
        row(
          `${user} · ${title || "terminal"} · ${viewers === 1 ? "1 viewer" : `${viewers} viewers`}`,
          end ? undefined : "End",
          () => api("DELETE", `admin/terminals/${id}`),
        ),
      ),
    );
    audit.textContent = d.events
      .map(({ time, event, ...rest }) => `${time} ${event} ${JSON.stringify(rest)}`)
      .join("\n");
  };
  const row = (text: string, action: string | undefined, act: () => Promise<unknown>) => {
    const button = h("button", { type: "button", className: "danger" }, action ?? "");
    button.onclick = async () => {
      await act().catch((error: Error) => toast(error.message, "error"));
      await refresh();
    };
    return h("li", {}, h("span", {}, text), action !== undefined && button);
  };
  dialog(
    "Administration",
    h("h3", {}, "Users"),
    users,
    addForm(refresh),
    h("h3", {}, "Logins"),
    sessions,
    h("h3", {}, "Terminals"),
    terminals,
    h("h3", {}, "Audit log"),
    audit,
  );
  await refresh();
}

function addForm(refresh: () => Promise<void>): HTMLFormElement {
  const name = h("input", { name: "name", required: true, autocomplete: "off" });
  const password = h("input", {
    type: "password",
    required: true,
    minLength: 10,
    autocomplete: "new-password",
  });
  const role = h(
    "select",
    {},
    h("option", { value: "user" }, "User"),
    h("option", { value: "admin" }, "Administrator"),
  );
  const add = h("button", { type: "submit" }, "Add user");
  const form = h(
    "form",
    { className: "grid" },
    field("Name", name),
    field("Password", password),
    field("Role", role),
    add,
  );
  return submitting(form, async () => {
    await api("POST", "admin/users", { name: name.value, password: password.value, role: role.value });
    form.reset();
    await refresh();
  });
}
