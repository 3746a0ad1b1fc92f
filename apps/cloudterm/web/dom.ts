type Child = Node | string | undefined | false;
type Props<Tag extends keyof HTMLElementTagNameMap> = Partial<
  Omit<HTMLElementTagNameMap[Tag], "style" | "children" | "dataset">
> & { readonly aria?: Readonly<Record<string, string>>; readonly role?: string };

/** An element: properties, then children. Text is text: nothing here is ever parsed as HTML. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props: Props<Tag> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  const { aria, role, ...rest } = props as Record<string, unknown> & Props<Tag>;
  Object.assign(element, rest);
  if (role !== undefined) element.setAttribute("role", role);
  for (const [name, value] of Object.entries(aria ?? {})) element.setAttribute(`aria-${name}`, value);
  element.append(
    ...children.filter((child): child is Node | string => child !== undefined && child !== false),
  );
  return element;
}

export function show(...content: readonly Node[]): void {
  document.getElementById("root")!.replaceChildren(...content);
}

/** A short note at the edge; errors stay longer. */
export function toast(text: string, kind: "note" | "error" = "note"): void {
  const note = h("div", { className: `toast ${kind}` }, text);
  document.getElementById("toasts")!.append(note);
  setTimeout(() => note.remove(), kind === "error" ? 8000 : 3500);
}

/** A modal dialog; resolves when it is closed. */
export function dialog(title: string, ...content: readonly Child[]): HTMLDialogElement {
  const close = h("button", { className: "icon", type: "button", aria: { label: "Close" } }, "✕");
  const element = h("dialog", {}, h("header", {}, h("h2", {}, title), close), ...content);
  close.onclick = () => element.close();
  element.addEventListener("close", () => element.remove());
  document.body.append(element);
  element.showModal();
  return element;
}

/** Asks before something is lost. */
export function confirmed(question: string, action: string): Promise<boolean> {
  return new Promise((resolve) => {
    const yes = h("button", { className: "danger", type: "button" }, action);
    const no = h("button", { type: "button" }, "Cancel");
    const element = dialog(question, h("div", { className: "actions" }, no, yes));
    yes.onclick = () => element.close("yes");
    no.onclick = () => element.close();
    element.addEventListener("close", () => resolve(element.returnValue === "yes"));
    yes.focus();
  });
}

export function field(label: string, input: HTMLElement): HTMLLabelElement {
  return h("label", {}, h("span", {}, label), input);
}

export function when(ms: number): string {
  return new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
