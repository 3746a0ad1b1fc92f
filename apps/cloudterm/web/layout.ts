export interface Layout {
  readonly tabs: readonly { readonly terminals: readonly string[]; readonly direction: "row" | "column" }[];
  readonly active: number;
}

const keyOf = (user: string): string => `cloudterm.layout.${user}`;

/** What was open in this browser, without terminals that are gone; those that were opened elsewhere get tabs of their own. */
export function loadLayout(user: string, living: ReadonlySet<string>): Layout {
  let stored: Layout = { tabs: [], active: 0 };
  try {
    const value = JSON.parse(localStorage.getItem(keyOf(user)) ?? "null") as Layout | null;
    if (value !== null && Array.isArray(value.tabs)) stored = value;
  } catch {
    // What cannot be read is forgotten.
  }
  const placed = new Set<string>();
  const tabs = stored.tabs
    .map(({ terminals, direction }) => ({
      direction,
      terminals: terminals.filter((id) => living.has(id) && !placed.has(id) && placed.add(id)),
    }))
    .filter(({ terminals }) => terminals.length > 0);
  const others = [...living].filter((id) => !placed.has(id));
  return {
    tabs: [...tabs, ...others.map((id) => ({ direction: "row" as const, terminals: [id] }))],
    active: stored.active,
  };
}

export function saveLayout(user: string, layout: Layout): void {
  localStorage.setItem(keyOf(user), JSON.stringify(layout));
}

export function forget(user: string, terminal: string): void {
  const text = localStorage.getItem(keyOf(user));
  if (text?.includes(terminal) !== true) return;
  const { tabs, active } = JSON.parse(text) as Layout;
  saveLayout(user, {
    active,
    tabs: tabs.map((tab) => ({ ...tab, terminals: tab.terminals.filter((id) => id !== terminal) })),
  });
}
