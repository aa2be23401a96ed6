// The browser's side of `%storlet browse`, as anywidget loads it: a plain ES module without a build step.
//
// It asks the kernel questions (answers.py has them), and shows the answers as text: whatever comes from the store is
// never parsed as HTML, except for previews, which pass through `safe`. It changes nothing: lines are copied, not run.

const BUSY_AFTER = 1000; // milliseconds without an answer
const TAGS = new Set(
  ("a b br code col colgroup details div em h1 h2 h3 h4 h5 h6 hr i img li ol p pre s small span strong sub summary sup " +
    "table tbody td th thead tr u ul blockquote").split(" "),
);
const ATTRIBUTES = new Set(["style", "class", "scope", "open", "alt", "title", "colspan", "rowspan"]);

/** Make an element. Every one keeps JupyterLab's shortcuts away: they would act on the cell while the widget has the focus. */
function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else if (typeof value === "boolean") node.toggleAttribute(name, value);
    else node.setAttribute(name, value);
  }
  node.dataset.lmSuppressShortcuts = "true";
  node.append(...children.filter((child) => child != null));
  return node;
}

/** Copy a preview's HTML, with harmless elements and attributes only, though the kernel has escaped it already. */
function safe(html) {
  const copied = (from) => {
    if (from.nodeType === Node.TEXT_NODE) return [document.createTextNode(from.data)];
    if (from.nodeType !== Node.ELEMENT_NODE) return [];
    const children = [...from.childNodes].flatMap(copied);
    const tag = from.tagName.toLowerCase();
    if (!TAGS.has(tag)) return ["script", "style"].includes(tag) ? [] : children;
    const node = make(tag, {}, ...children);
    for (const { name, value } of from.attributes) {
      const isImage = tag === "img" && name === "src" && /^data:image\/[a-z+]+;base64,/.test(value);
      if (isImage || (ATTRIBUTES.has(name) && !/url|expression|position|\\/i.test(value))) node.setAttribute(name, value);
    }
    return [node];
  };
  return [...new DOMParser().parseFromString(html, "text/html").body.childNodes].flatMap(copied);
}

/** Copy a text, also where the page isn't served over HTTPS. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** Questions to the kernel, and their answers. */
class Kernel {
  constructor(model, noted) {
    this.model = model;
    this.noted = noted;
    this.waiting = new Map(); // by the question's id
    this.latest = {}; // the id of the last question for each place
    this.view = Math.random().toString(36).slice(2); // the widget may be shown twice, over one model
    this.count = 0;
    this.receive = (message) => this.answered(message);
    model.on("msg:custom", this.receive);
  }

  /** Ask a question; a newer one for the same place makes the answer of this one uninteresting. */
  ask(place, question, show) {
    const id = `${this.view}-${(this.count += 1)}`;
    this.forget(this.latest[place]);
    this.latest[place] = id;
    const timer = setTimeout(() => this.noted(true, () => this.send(id)), BUSY_AFTER);
    this.waiting.set(id, { question, show, timer });
    this.send(id);
  }

  send(id) {
    const asked = this.waiting.get(id);
    if (asked) this.model.send({ ...asked.question, id });
  }

  answered(answer) {
    const asked = this.waiting.get(answer?.id);
    if (!asked) return;
    this.forget(answer.id);
    asked.show(answer);
  }

  forget(id) {
    clearTimeout(this.waiting.get(id)?.timer);
    this.waiting.delete(id);
    if (!this.waiting.size) this.noted(false);
  }

  close() {
    this.model.off("msg:custom", this.receive);
    for (const { timer } of this.waiting.values()) clearTimeout(timer);
  }
}

function facts(pairs) {
  return make("dl", {}, ...pairs.flatMap(([name, text]) => [make("dt", { text: name }), make("dd", { text })]));
}

function table(headings, rows) {
  const cells = (tag, texts) => texts.map((text) => make(tag, tag === "th" ? { text, scope: "col" } : { text }));
  return make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...cells("th", headings))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells("td", row)))),
  );
}

/** Lines to copy, each with a button. */
function lines(entries) {
  return entries.map(({ does, line }) => {
    const button = make("button", { text: "Copy", title: `Copy: ${line}`, "aria-label": `Copy: ${does}` });
    button.addEventListener("click", async () => {
      button.textContent = (await copy(line)) ? "Copied" : "Select it";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    return make("div", {}, make("div", { class: "sb-quiet", text: does }), make("div", { class: "sb-line" }, make("code", { text: line }), button));
  });
}

function run({ time, request, failed, end, seconds, text }) {
  const outcome = make("span", { class: failed ? "sb-failed" : "", text: end });
  const title = make("summary", {}, `${time}  `, outcome, seconds == null ? "" : ` · ${seconds} s`);
  const body = [make("div", { class: "sb-quiet", text: request }), text ? make("pre", { text }) : make("i", { text: "no log" })];
  return make("details", {}, title, ...body);
}

function section(title, ...children) {
  return children.length ? [make("h4", { text: title }), ...children] : [];
}

/** The widget. */
class Browser {
  constructor(model, element) {
    this.model = model;
    this.kernel = new Kernel(model, (isBusy, again) => this.noteBusy(isBusy, again));
    const start = model.get("start");
    this.place = { tab: "names", container: start.container, folder: start.folder };
    this.filter = make("input", { type: "search", spellcheck: "false", value: start.filter, oninput: () => this.filterSoon() });
    this.filter.addEventListener("keydown", (event) => this.keyInFilter(event));
    this.tabs = { names: this.tab("names", "Objects"), storlets: this.tab("storlets", "Storlets") };
    this.account = make("span", { class: "sb-quiet sb-push" });
    this.crumbs = make("div", { class: "sb-crumbs", role: "navigation", "aria-label": "Location" });
    this.note = make("div", { class: "sb-note", role: "status", hidden: true });
    this.list = make("div", { class: "sb-pane sb-list" });
    this.list.addEventListener("keydown", (event) => this.keyInList(event));
    this.details = make("div", { class: "sb-pane sb-details", role: "region", "aria-label": "Details", hidden: true });
    this.details.addEventListener("keydown", (event) => event.key === "Escape" && this.closeDetails());
    this.count = make("span", { class: "sb-quiet", role: "status" });
    const refresh = make("button", { text: "Refresh", onclick: () => this.load() });
    this.first = make("button", { text: "First", class: "sb-push", onclick: () => this.turn(-Infinity) });
    this.previous = make("button", { text: "Previous", onclick: () => this.turn(-1) });
    this.next = make("button", { text: "Next", onclick: () => this.turn(1) });
    this.hiding = make("style");
    element.append(
      make(
        "div",
        { class: "storlet-browse", role: "group", "aria-label": "Browser of containers, objects, and storlets" },
        this.hiding,
        make("div", { class: "sb-bar" }, this.tabs.names, this.tabs.storlets, this.account, refresh),
        make("div", { class: "sb-bar" }, this.crumbs, this.filter),
        this.note,
        make("div", { class: "sb-panes" }, this.list, this.details),
        make("div", { class: "sb-bar", style: "margin: 6px 0 0" }, this.count, this.first, this.previous, this.next),
      ),
    );
    this.open({});
  }

  tab(name, text) {
    return make("button", { text, onclick: () => this.go({ tab: name, ...(name === "names" && { container: "", folder: "" }) }) });
  }

  /** Say that no answer comes; the kernel may be busy, or another one. */
  noteBusy(isBusy, again) {
    this.note.hidden = !isBusy;
    if (!isBusy) return this.note.replaceChildren();
    this.note.replaceChildren(
      "Waiting for the kernel. If it is running a cell, this goes on when the cell has ended; if it was restarted, run this widget's cell again.",
      make("button", { text: "Try again", onclick: again }),
    );
  }

  /** Go to another place, without a filter. */
  go(place) {
    this.filter.value = "";
    this.open(place);
  }

  open(place) {
    Object.assign(this.place, place);
    this.starts = [""]; // the name before each page up to this one
    this.closeDetails(false);
    this.showPlace();
    this.load();
  }

  showPlace() {
    const { tab, container, folder } = this.place;
    for (const [name, button] of Object.entries(this.tabs)) button.setAttribute("aria-pressed", String(name === tab));
    const crumb = (text, onclick) => make("button", { class: "sb-crumb", text, onclick });
    const parts = [];
    if (tab === "names") {
      parts.push(crumb("containers", () => this.go({ container: "", folder: "" })));
      if (container) parts.push("/", crumb(container, () => this.go({ folder: "" })));
      let path = "";
      for (const part of folder.split("/").slice(0, -1)) {
        path += `${part}/`;
        const target = path;
        parts.push("/", crumb(part || "(no name)", () => this.go({ folder: target })));
      }
      if (container) parts.push(make("button", { text: "Details", onclick: () => this.showLocation() }));
    }
    this.crumbs.replaceChildren(...parts);
    this.crumbs.hidden = !parts.length;
    this.filter.placeholder = `Filter: what the ${tab === "storlets" || !container ? "names start" : "names here start"} with`;
    this.filter.setAttribute("aria-label", this.filter.placeholder);
  }

  filterSoon() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.open({}), 200);
  }

  /** Load the current page. */
  load() {
    const { tab, container, folder } = this.place;
    const after = this.starts.at(-1);
    const filter = this.filter.value;
    this.list.setAttribute("aria-busy", "true");
    const question = tab === "names" ? { ask: "names", container, folder, filter, after } : { ask: "storlets", filter, after };
    this.kernel.ask("list", question, (answer) => this.showList(answer));
  }

  showList(answer) {
    const hadFocus = this.list.contains(document.activeElement);
    this.list.setAttribute("aria-busy", "false");
    this.hiding.textContent = `.${this.model.get("plain")}, .jp-OutputArea-child:has(.${this.model.get("plain")}) { display: none; }`;
    if (answer.error) {
      this.list.replaceChildren(make("p", { class: "sb-failed", style: "padding: 0 8px", text: answer.error }));
      this.count.textContent = "";
      return this.showPaging(false);
    }
    if (answer.account) this.account.textContent = answer.account;
    this.end = answer.end;
    this.rows = answer.rows;
    this.list.replaceChildren(answer.rows.length ? this.listing(answer.rows) : this.emptiness());
    this.list.scrollTop = 0;
    const first = (this.starts.length - 1) * answer.limit + 1;
    const shown = answer.rows.length ? `${first.toLocaleString("en")}–${(first + answer.rows.length - 1).toLocaleString("en")}` : "";
    this.count.textContent = [shown, answer.total].filter(Boolean).join(" · ");
    this.showPaging(answer.more);
    if (hadFocus) this.list.querySelector("[tabindex]")?.focus();
  }

  emptiness() {
    const text = this.filter.value ? "No name starts with this." : this.place.tab === "storlets" ? "No storlets are deployed." : "Nothing here.";
    return make("p", { class: "sb-quiet", style: "padding: 0 8px", text });
  }

  showPaging(isMore) {
    this.next.disabled = !isMore;
    this.previous.disabled = this.first.disabled = this.starts.length === 1;
  }

  turn(step) {
    if (step > 0) this.starts.push(this.end);
    else this.starts.length = Math.max(1, this.starts.length + (step === -Infinity ? -this.starts.length : step));
    this.load();
  }

  listing(rows) {
    const isAccount = this.place.tab === "names" && !this.place.container;
    const headings = ["name", ...(isAccount ? ["objects"] : []), "size", "modified"];
    const numbers = new Set(["objects", "size"]);
    const heads = headings.map((text) => make("th", { text, scope: "col", ...(numbers.has(text) && { class: "sb-number" }) }));
    return make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows.map((row, at) => this.row(row, at, isAccount))));
  }

  row(row, at, isAccount) {
    const exact = row.bytes == null ? {} : { title: `${row.bytes.toLocaleString("en")} bytes` };
    const count = row.objects == null ? "" : row.objects.toLocaleString("en");
    return make(
      "tr",
      { tabindex: at ? "-1" : "0", "aria-selected": "false", onclick: () => this.choose(at), onfocus: (event) => this.rove(event.target) },
      make("td", { class: ["container", "folder"].includes(row.kind) ? "sb-way" : "", text: row.label }),
      isAccount ? make("td", { class: "sb-number", text: count }) : null,
      make("td", { class: "sb-number", text: row.size, ...exact }),
      make("td", { text: row.modified }),
    );
  }

  /** Let Tab come back to the row that had the focus last. */
  rove(target) {
    for (const row of this.list.querySelectorAll("tr[tabindex='0']")) row.tabIndex = -1;
    target.tabIndex = 0;
  }

  keyInFilter(event) {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      this.list.querySelector("tr[tabindex]")?.focus();
    } else if (event.key === "Escape" && this.filter.value) {
      event.preventDefault();
      this.go({});
    }
  }

  keyInList(event) {
    const rows = [...this.list.querySelectorAll("tbody tr")];
    const at = rows.indexOf(document.activeElement);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      ArrowDown: () => rows[Math.min(at + 1, rows.length - 1)].focus(),
      ArrowUp: () => (at ? rows[at - 1] : this.filter).focus(),
      Home: () => rows[0].focus(),
      End: () => rows.at(-1).focus(),
      Enter: () => this.choose(at),
      " ": () => this.choose(at),
      ArrowRight: () => this.choose(at),
      ArrowLeft: () => this.up(),
      Backspace: () => this.up(),
      PageDown: () => this.next.disabled || this.turn(1),
      PageUp: () => this.previous.disabled || this.turn(-1),
      "/": () => this.filter.focus(),
      Escape: () => this.closeDetails(),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  }

  up() {
    const { tab, container, folder } = this.place;
    if (tab !== "names" || !container) return;
    if (folder) this.go({ folder: folder.slice(0, folder.lastIndexOf("/", folder.length - 2) + 1) });
    else this.go({ container: "" });
  }

  choose(at) {
    const row = this.rows[at];
    if (row.kind === "container") return this.go({ container: row.name, folder: "" });
    if (row.kind === "folder") return this.go({ folder: row.name });
    if (row.kind === "storlet") this.showStorlet(row);
    else this.showObject(row);
    this.list.querySelectorAll("tbody tr")[at].setAttribute("aria-selected", "true");
  }

  /** Show something in the other pane, once it is answered. */
  detail(title, question, build) {
    const close = make("button", { text: "Close", onclick: () => this.closeDetails() });
    const body = make("div", {}, make("p", { class: "sb-quiet", text: "Loading…" }));
    this.list.querySelector("tr[aria-selected=true]")?.setAttribute("aria-selected", "false");
    this.details.hidden = false;
    this.details.replaceChildren(make("div", { class: "sb-line" }, make("h3", { text: title }), close), body);
    this.details.scrollTop = 0;
    this.kernel.ask("details", question, (answer) => {
      body.replaceChildren(...(answer.error ? [make("p", { class: "sb-failed", text: answer.error })] : build(answer)));
    });
  }

  showLocation() {
    const { container, folder } = this.place;
    this.detail(folder || container, { ask: "location", container, folder }, (answer) => [
      facts(answer.facts),
      ...section("Rights", answer.rights.length ? table(["right", "user or entry", "storlet"], answer.rights) : "Nobody else has any."),
      ...section("Lines to copy", ...lines(answer.lines)),
    ]);
  }

  showObject(row) {
    this.detail(row.label, { ask: "object", container: this.place.container, name: row.name }, (answer) => [
      ...section("Preview", make("div", { class: "sb-preview" }, ...safe(answer.html))),
      ...section("Facts", facts(answer.facts)),
      ...section("Lines to copy", ...lines(answer.lines)),
    ]);
  }

  showStorlet(row) {
    this.detail(row.label, { ask: "storlet", name: row.name }, (answer) => [
      ...section("Parameters", ...(answer.parameters.length ? [table(["name", "type", "default"], answer.parameters)] : [])),
      ...section("Last runs", ...(answer.runs.length ? answer.runs.map(run) : ["None are known."])),
      ...section("Source", ...(answer.source ? safe(`<pre>${answer.source}</pre>`) : [])),
      ...section("Facts", facts(answer.facts)),
      ...section("May be run over single containers", this.grants(row.name)),
      ...section("Lines to copy", ...lines(answer.lines)),
    ]);
  }

  grants(name) {
    const place = make("div");
    const find = () =>
      this.kernel.ask("grants", { ask: "grants", name }, ({ error, grants }) => {
        place.textContent = error || grants.join(", ") || "Nobody may, apart from those who may run it over all of them.";
      });
    place.append(make("button", { text: "Find out by whom", title: "Reads the ACL of every container", onclick: find }));
    return place;
  }

  closeDetails(focuses = true) {
    const selected = this.list.querySelector("tr[aria-selected=true]");
    this.kernel.forget(this.kernel.latest.details);
    this.details.hidden = true;
    selected?.setAttribute("aria-selected", "false");
    if (focuses) selected?.focus();
  }
}

export default {
  render({ model, el }) {
    const browser = new Browser(model, el);
    return () => browser.kernel.close();
  },
};
