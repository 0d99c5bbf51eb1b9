/**
 * The chat panel: draws what the kernel says, and sends what the reader does.
 *
 * It keeps nothing that matters. The kernel's state comes as a snapshot and numbered changes (wire.d.ts); `reduce` folds
 * them without touching the page; `Panel.draw` patches the page where a state differs from what is drawn. Text goes into
 * the page as text; the only HTML is the kernel's, which is safe. Nothing is fetched from anywhere.
 *
 * In this order: the states, the words to hear, the page, the carrier, the notebook, messages, sheets, the composer, the panel.
 *
 * @import {Attachment, Carried, Change, Entry, Known, Live, LiveChange, Message, Model, Part, Proposal, State, TextPart, ToolPart} from "./wire.d.ts"
 */

/**
 * What a view knows before the kernel has answered.
 * @param {string} view
 * @returns {Known}
 */
export function begin(view) {
  return { view, rev: -1, isLost: true, state: null };
}

/**
 * What a view knows after a message; the very same object where it says nothing new.
 * @param {Known} known
 * @param {Message} message
 * @returns {Known}
 */
export function reduce(known, message) {
  const { state } = known;
  switch (message.kind) {
    case "snapshot":
      if (message.view !== known.view && message.view !== null) return known;
      return { ...known, rev: message.rev, isLost: false, state: withEarlier(message.state, state) };
    case "delta":
      if (known.isLost || !state || message.rev <= known.rev) return known;
      if (message.rev !== known.rev + 1) return { ...known, isLost: true };
      return { ...known, rev: message.rev, state: message.changes.reduce(changed, state) };
    case "earlier":
      if (!state || state.session.id !== message.session) return known;
      return { ...known, state: { ...state, entries: merged(message.entries, state.entries), has_more: message.has_more } };
    default:
      return known;
  }
}

/**
 * A snapshot holds the newest entries; what was scrolled back to before stays.
 * @param {State} state
 * @param {State | null} before
 * @returns {State}
 */
function withEarlier(state, before) {
  if (!before || before.session.id !== state.session.id || !state.entries.length) return state;
  const at = before.entries.findIndex((entry) => entry.id === state.entries[0].id);
  if (at < 1) return state;
  return { ...state, entries: [...before.entries.slice(0, at), ...state.entries], has_more: before.has_more };
}

/**
 * Both in the order of their ids; of two with one id the second.
 * @param {Entry[]} some
 * @param {Entry[]} others
 */
function merged(some, others) {
  const byId = new Map([...some, ...others].map((entry) => [entry.id, entry]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/**
 * @param {State} state
 * @param {Change} change
 * @returns {State}
 */
function changed(state, change) {
  switch (change.is) {
    case "began":
      return { ...state, live: change.live };
    case "waiting":
      return { ...state, waiting: change.entries };
    case "approvals":
      return { ...state, approvals: change.proposals };
    case "session":
      return { ...state, session: change.session, model: change.model ?? state.model };
    case "entry":
      return { ...state, entries: state.entries.map((entry) => (entry.id === change.entry.id ? change.entry : entry)) };
    case "notice":
      return { ...state, notices: [...state.notices, change.text] };
    case "finished": {
      const live = state.live?.turn === change.turn ? state.live : null;
      const entries = change.entries.map((entry) => ({ ...entry, parts: entry.parts?.map((part) => ("same" in part ? live?.parts[part.same] ?? NO_PART : part)) }));
      return { ...state, entries: merged(state.entries, entries), live: live ? null : state.live };
    }
    default:
      return state.live && state.live.turn === change.turn ? { ...state, live: moved(state.live, change) } : state;
  }
}

/** @type {Part} */
const NO_PART = { type: "text", blocks: [] };

/**
 * The turn in flight after a change of its own.
 * @param {Live} live
 * @param {LiveChange} change
 * @returns {Live}
 */
function moved(live, change) {
  const { parts } = live;
  switch (change.is) {
    case "live": {
      const { status = live.status, model = live.model, notes = live.notes } = change;
      return { ...live, status, model, notes };
    }
    case "cut":
      return { ...live, parts: parts.slice(0, change.parts) };
    case "part":
      return { ...live, parts: parts.toSpliced(change.part, 1, change.value) };
    case "thought":
      return { ...live, parts: parts.map((part, i) => (i === change.part ? { ...part, duration_s: change.duration_s } : part)) };
    case "blocks": {
      const before = parts[change.part];
      const blocks = before && "blocks" in before ? before.blocks : [];
      const [first, ...more] = change.html;
      const kept = first === undefined ? [] : [(blocks[change.from] ?? "").slice(0, change.keep) + first];
      const part = { ...before, type: change.type, blocks: [...blocks.slice(0, change.from), ...kept, ...more] };
      return { ...live, parts: parts.toSpliced(change.part, 1, part) };
    }
    default:
      return live;
  }
}

/**
 * Split a text that is still being written into sentences that can be read aloud and the rest.
 * @param {string} text
 * @returns {{heard: string[], rest: string}}
 */
export function sentences(text) {
  const parts = text.split(/(?<=[.!?…]["'”’)\]]*)\s+|(?<=[。！？])|\n/);
  const rest = parts.pop() ?? "";
  return { heard: parts.map((part) => part.trim()).filter(Boolean), rest };
}

/* The page */

const ICONS = {
  again: "M13 3v4H9M12.6 7A5 5 0 1 0 13 9.5",
  attach: "M12 7.5 7.6 12a2.8 2.8 0 0 1-4-4l5-5a1.9 1.9 0 0 1 2.7 2.7l-4.8 4.9",
  check: "M3 8.5 6.5 12 13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  down: "M8 3v10M4 9l4 4 4-4",
  export: "M8 10V2M5 5l3-3 3 3M3 9v4h10V9",
  hide: "M2 8s2-4 6-4 6 4 6 4-2 4-6 4-6-4-6-4zM3 13 13 3",
  insert: "M3 2h10v5H3zM8 10v5M5.5 12.5h5",
  more: "M4 6l4 4 4-4",
  new: "M8 3v10M3 8h10",
  pin: "M6 2h4l-.5 5L12 9.5H4L6.5 7zM8 9.5V14",
  send: "M8 13V3M4 7l4-4 4 4",
  settings: "M2 5h7M13 5h1M2 11h1M7 11h7M9 3h4v4H9zM3 9h4v4H3z",
  stop: "M4 4h8v8H4z",
  tools: "M10 2a3.5 3.5 0 0 0-3 5L2.500 11.500l2 2L9 9a3.500 3.500 0 0 0 5-4l-2.500 2-2-2z",
};

/**
 * Make an element. A function is a listener, `true` an empty attribute; what is `null` or `false` is left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} [attributes]
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * @param {keyof typeof ICONS} name
 */
function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * A button that shows an icon, a word, or both; `label` is what it is called.
 * @param {keyof typeof ICONS | null} sign
 * @param {string} label
 * @param {(event: MouseEvent) => void} click
 * @param {string} [words]
 * @param {Record<string, string | boolean | ((event: any) => void)>} [more]
 */
function button(sign, label, click, words = "", more = {}) {
  const named = words === label ? {} : { "aria-label": label, title: label };
  return h("button", { type: "button", class: "chatnb-button", ...named, click, ...more }, sign && icon(sign), words && h("span", {}, words));
}

/**
 * @param {Element} element
 * @param {string} text
 */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Text in which nothing hides: what changes the direction of writing or takes no room is spelled out.
 * @param {string} text
 */
export function visible(text) {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;
  return text.replace(hidden, (mark) => `⟨U+${(mark.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/**
 * Arrow keys, Home and End go between the buttons of a row, which is one stop of the Tab key.
 * @template {HTMLElement} Row
 * @param {Row} box
 * @param {string} [of] what one goes between
 * @returns {Row}
 */
function rove(box, of = "button:not([hidden])") {
  const all = () => /** @type {HTMLElement[]} */ ([...box.querySelectorAll(of)]);
  /** @param {HTMLElement} [chosen] */
  const settle = (chosen) => {
    const stop = chosen ?? all().find((item) => item.tabIndex === 0) ?? all()[0];
    for (const item of all()) item.tabIndex = item === stop ? 0 : -1;
  };
  box.addEventListener("focusin", (event) => all().includes(/** @type {HTMLElement} */ (event.target)) && settle(/** @type {HTMLElement} */ (event.target)));
  box.addEventListener("keydown", (event) => {
    const items = all();
    const at = items.indexOf(/** @type {HTMLElement} */ (event.target));
    const steps = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
    const to = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    items[(to + items.length) % items.length].focus();
  });
  new MutationObserver(() => settle()).observe(box, { childList: true, subtree: true, attributeFilter: ["hidden"] });
  settle();
  return box;
}

/**
 * Make a node's children like those of another, keeping all that can stay: text grows, elements are reused.
 * @param {Node} node
 * @param {Node} wanted
 */
function morph(node, wanted) {
  let old = node.firstChild;
  for (const next of [...wanted.childNodes]) {
    const now = old;
    if (!now) {
      node.appendChild(next);
      continue;
    }
    old = now.nextSibling;
    if (now.nodeName !== next.nodeName) {
      node.replaceChild(next, now);
    } else if (now instanceof Text && next instanceof Text) {
      if (next.data.startsWith(now.data)) now.appendData(next.data.slice(now.data.length));
      else now.data = next.data;
    } else if (now instanceof Element && next instanceof Element) {
      for (const { name } of [...now.attributes]) if (!next.hasAttribute(name)) now.removeAttribute(name);
      for (const { name, value } of next.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
      morph(now, next);
    }
  }
  while (old) {
    const gone = old;
    old = old.nextSibling;
    gone.parentNode?.removeChild(gone);
  }
}

/* The carrier */

const BUSY_MS = 400;

/** Commands that nobody misses while they wait, or that show it themselves. */
const QUIET = new Set(["complete", "export", "models", "plan", "preview", "sessions", "stale", "suggest", "tools"]);

/** The kernel cannot be reached any more: the comm is closed, or the kernel has gone. */
class Unreachable extends Error {}

/** Commands to the kernel over a widget's comm, and their answers. */
class Carrier {
  /**
   * @param {Model} model
   * @param {string} view
   * @param {(isBusy: boolean) => void} busy told when the kernel begins or ceases to let commands wait
   */
  constructor(model, view, busy) {
    this.model = model;
    this.view = view;
    this.busy = busy;
    this.count = 0;
    this.helloId = "";
    /** @type {Map<string, {resolve: (answer: any) => void, reject: (error: Error) => void, timer: number, isLate: boolean}>} */
    this.open = new Map();
  }

  /**
   * @param {string} name
   * @param {object} [more]
   * @returns {Promise<any>} rejects with a sentence that can be shown
   */
  do(name, more = {}) {
    const id = `c${++this.count}`;
    try {
      this.model.send({ v: 1, do: name, id, view: this.view, ...more });
    } catch {
      return Promise.reject(new Unreachable("The kernel of this panel has gone. Run the cell again to go on; nothing is lost."));
    }
    return new Promise((resolve, reject) => {
      const timer = QUIET.has(name) ? 0 : setTimeout(() => this.late(id), BUSY_MS);
      this.open.set(id, { resolve, reject, timer, isLate: false });
    });
  }

  /**
   * Say something that is not answered.
   * @param {string} name
   */
  tell(name) {
    this.do(name).catch(() => {});
    this.settle({ kind: "done", id: `c${this.count}`, view: this.view });
  }

  /** @param {string} id */
  late(id) {
    const waiting = this.open.get(id);
    if (waiting) waiting.isLate = true;
    this.busy([...this.open.values()].some((one) => one.isLate));
  }

  /** @param {any} answer */
  settle(answer) {
    const waiting = this.open.get(answer.id);
    if (!waiting || answer.view !== this.view) return;
    clearTimeout(waiting.timer);
    this.open.delete(answer.id);
    this.late("");
    if (answer.kind === "done") waiting.resolve(answer);
    else waiting.reject(new Error(answer.error || "The kernel could not do this."));
  }

  /** Ask for a snapshot, which is the answer. */
  hello() {
    this.greeted();
    const answer = this.do("hello");
    this.helloId = `c${this.count}`;
    return answer;
  }

  greeted() {
    this.settle({ kind: "done", id: this.helloId, view: this.view });
  }
}

/* The notebook around the panel, where the front end hands it out (JupyterLab and Notebook 7 do) */

class Notebook {
  /**
   * @param {Model} model
   * @param {HTMLElement} element something within the panel's cell
   */
  constructor(model, element) {
    this.model = model;
    this.element = element;
    /** @type {Set<string>} */
    this.inserted = new Set();
  }

  /** @returns {any} the notebook's shared model, or undefined */
  get shared() {
    const shared = this.model.widget_manager?.context?.model?.sharedModel;
    return typeof shared?.insertCells === "function" ? shared : undefined;
  }

  /** Where the panel's cell is among the cells; the last one where it is shown elsewhere. */
  place() {
    const cells = this.shared.cells;
    const cell = /** @type {HTMLElement | null} */ (this.element.closest(".jp-Cell"));
    const listed = cell?.dataset.windowedListIndex;
    if (listed) return Number(listed);
    const drawn = cell ? [...(cell.parentElement?.querySelectorAll(":scope > .jp-Cell") ?? [])] : [];
    return cell && drawn.length === cells.length ? drawn.indexOf(cell) : cells.length - 1;
  }

  /**
   * Put code below the panel's cell, and below what was put there before.
   * @param {string[]} sources
   * @returns {(() => void) | null} what takes it out again, or null where there is no way to put it in
   */
  insert(sources) {
    const { shared } = this;
    if (!shared) return null;
    let at = this.place() + 1;
    while (at < shared.cells.length && this.inserted.has(shared.cells[at].id)) at++;
    shared.insertCells(at, sources.map((source) => ({ cell_type: "code", source, metadata: {} })));
    const ids = sources.map((_, i) => String(shared.cells[at + i].id));
    for (const id of ids) this.inserted.add(id);
    return () => {
      for (const id of ids) {
        const now = shared.cells.findIndex((/** @type {any} */ cell) => cell.id === id);
        if (now >= 0) shared.deleteCellRange(now, now + 1);
      }
    };
  }

  /** @returns {Attachment} the cell above the panel: by its number where it ran as it stands there, else as its text */
  above() {
    const { shared } = this;
    const cell = shared?.cells[this.place() - 1];
    const source = cell?.getSource();
    if (!source) return { ref: "cells:-1:" };
    const count = cell.execution_count;
    return count ? { ref: `cell:${count}` } : textFile("the cell above", source);
  }

  /** What is selected in an editor of the notebook, or anywhere on the page outside of the panel. */
  selected() {
    const cells = this.model.widget_manager?.context?.model?.cells;
    for (let i = 0; i < (cells?.length ?? 0); i++) {
      const cell = cells.get(i);
      const lines = cell.sharedModel.getSource().split("\n");
      for (const selections of cell.selections?.values() ?? []) {
        for (const { start, end } of selections) {
          /** @param {{line: number, column: number}} at */
          const offset = (at) => lines.slice(0, at.line).join("\n").length + (at.line ? 1 : 0) + at.column;
          const [from, to] = [offset(start), offset(end)].sort((a, b) => a - b);
          if (to > from) return lines.join("\n").slice(from, to);
        }
      }
    }
    return "";
  }
}

/**
 * @param {string} name
 * @param {string} text
 * @returns {Attachment}
 */
function textFile(name, text) {
  return { name, mime: "text/plain", data: base64(new TextEncoder().encode(text)) };
}

/**
 * @param {Uint8Array} bytes
 */
function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

/**
 * @param {string} text
 */
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page that came without encryption has no clipboard but this old one.
    const back = /** @type {HTMLElement | null} */ (document.activeElement);
    const area = h("textarea", { class: "chatnb-unseen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    back?.focus();
    if (!isCopied) throw new Error("The browser does not let this page use the clipboard.");
  }
}

/**
 * @param {number | null | undefined} tokens
 */
function kilo(tokens) {
  if (tokens === null || tokens === undefined) return "";
  return tokens < 1000 ? String(tokens) : `${(tokens / 1000).toFixed(tokens < 10_000 ? 1 : 0)}k`;
}

/**
 * @param {number | null | undefined} count
 */
function seconds(count) {
  return count === null || count === undefined ? "" : `${count.toFixed(count < 10 ? 1 : 0)} s`;
}

/* Messages */

/** Draws one message. */
class EntryView {
  /**
   * @param {Panel} panel
   * @param {"user" | "assistant"} role
   */
  constructor(panel, role) {
    this.panel = panel;
    /** @type {Entry | null} */
    this.entry = null;
    /** @type {Live | null} */
    this.live = null;
    this.who = h("span", { class: "chatnb-who" });
    this.when = h("time", { class: "chatnb-when" });
    this.mark = h("span", { class: "chatnb-mark" });
    this.tools = rove(h("div", { class: "chatnb-actions", role: "toolbar", "aria-label": "With this message" }));
    this.notes = h("div", { class: "chatnb-remarks" });
    this.parts = h("div", { class: "chatnb-parts" });
    this.status = h("p", { class: "chatnb-status" });
    this.end = h("div", { class: "chatnb-end" });
    this.node = h("article", { class: `chatnb-entry chatnb-${role}`, tabindex: -1 },
      h("header", {}, this.who, this.when, this.mark, this.tools), this.notes, this.parts, this.status, this.end);
    /** @type {WeakMap<Element, string>} */
    this.drawn = new WeakMap();
    this.isHeard = false;
  }

  /**
   * @param {Entry} entry
   * @param {Live | null} live its turn, while it is in flight
   * @param {string} [mark]
   */
  update(entry, live, mark = "") {
    if (this.entry === entry && this.live === live && this.mark.textContent === mark) return;
    this.entry = entry;
    this.live = live;
    const isUser = entry.role === "user";
    const at = entry.at ? new Date(entry.at) : null;
    write(this.who, isUser ? "You" : entry.model || "Answer");
    write(this.when, at ? at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "");
    if (at && entry.at) {
      this.when.dateTime = entry.at;
      this.when.title = at.toLocaleString();
    }
    write(this.mark, mark || (entry.is_hidden ? "hidden from the model" : ""));
    this.node.setAttribute("aria-label", `${this.who.textContent} ${this.when.textContent}`.trim());
    this.node.classList.toggle("chatnb-hidden", Boolean(entry.is_hidden));
    this.node.classList.toggle("chatnb-live", Boolean(live) && !isUser);
    this.drawNotes(entry, live);
    if (isUser) this.drawQuestion(entry);
    else this.drawParts(entry.parts ?? [], Boolean(live));
    const isSilent = live && !isUser && !live.status && !live.parts.length;
    write(this.status, isUser ? "" : isSilent ? "waiting for the model" : live?.status ?? "");
    this.drawEnd(entry);
    if (!live || isUser) this.drawActions(entry);
  }

  /**
   * @param {Entry} entry
   * @param {Live | null} live
   */
  drawNotes(entry, live) {
    const notes = entry.role === "user" ? [] : (live ?? entry).notes ?? [];
    this.notes.replaceChildren(...notes.map((note) => h("p", {}, note)));
  }

  /** @param {Entry} entry */
  drawQuestion(entry) {
    if (entry.html) {
      this.drawBlocks(this.parts, [entry.html], false);
    } else if (this.parts.textContent !== entry.text) {
      this.parts.replaceChildren(h("p", { class: "chatnb-plain", dir: "auto" }, entry.text ?? ""));
    }
    const pictures = (entry.images ?? []).map(({ mime, data }) => picture(mime, data, "A picture that was sent along"));
    const chips = (entry.context ?? []).map((carried) => this.panel.chip(carried));
    this.notes.replaceChildren(...pictures);
    if (chips.length) this.notes.append(h("ul", { class: "chatnb-chips", "aria-label": "Sent along" }, ...chips));
  }

  /**
   * @param {Part[]} parts
   * @param {boolean} isLive
   */
  drawParts(parts, isLive) {
    for (const [i, part] of parts.entries()) {
      const isGrowing = isLive && i === parts.length - 1;
      let node = /** @type {HTMLElement | undefined} */ (this.parts.children[i]);
      if (node?.dataset.type !== part.type) {
        const made = newPart(part);
        if (node) node.replaceWith(made);
        else this.parts.append(made);
        node = made;
      }
      if (part.type === "tool") this.drawTool(node, part, isLive);
      else if (part.type === "thinking") this.drawThought(node, part, isGrowing);
      else this.drawBlocks(node, part.blocks, isGrowing);
    }
    this.isHeard = isLive;
    while (this.parts.children.length > parts.length) this.parts.lastElementChild?.remove();
  }

  /**
   * @param {HTMLElement} node
   * @param {TextPart} part
   * @param {boolean} isGrowing
   */
  drawThought(node, part, isGrowing) {
    const took = seconds(part.duration_s);
    write(node.children[0], took ? `Thought for ${took}` : isGrowing ? "Thinking…" : "Thought");
    this.drawBlocks(/** @type {HTMLElement} */ (node.children[1]), part.blocks, isGrowing);
  }

  /**
   * @param {HTMLElement} node
   * @param {ToolPart} part
   * @param {boolean} isLive
   */
  drawTool(node, part, isLive) {
    const [name, brief, state] = node.children[0].children;
    const [sent, got] = node.children[1].querySelectorAll("pre");
    const given = visible(JSON.stringify(part.arguments));
    const isOpen = part.result === null;
    write(name, visible(part.name));
    write(brief, given === "{}" ? "" : given.slice(0, 120));
    write(state, isOpen ? (isLive ? "running…" : "no result") : part.is_error ? "failed" : seconds(part.duration_s) || "done");
    node.classList.toggle("chatnb-failed", part.is_error);
    write(sent, visible(JSON.stringify(part.arguments, null, 2)));
    write(got, visible(part.result ?? ""));
    got.hidden = isOpen;
  }

  /**
   * Draw blocks of Markdown; one that is drawn as it should be is not touched.
   * @param {HTMLElement} box
   * @param {string[]} blocks
   * @param {boolean} isGrowing the last one is still being written
   */
  drawBlocks(box, blocks, isGrowing) {
    for (const [i, html] of blocks.entries()) {
      let node = /** @type {HTMLElement | undefined} */ (box.children[i]);
      if (!node) {
        node = h("div", { class: "chatnb-block", dir: "auto" });
        box.append(node);
      }
      const isDone = !isGrowing || i < blocks.length - 1;
      const isDressed = node.dataset.done === "";
      if (this.drawn.get(node) !== html) {
        const template = document.createElement("template");
        template.innerHTML = html;
        if (isDressed) node.replaceChildren(template.content);
        else morph(node, template.content);
        delete node.dataset.done;
        this.drawn.set(node, html);
      }
      if (this.isHeard && node.dataset.done === undefined) this.panel.speak(node, isDone);
      if (isDone && node.dataset.done === undefined) {
        node.dataset.done = "";
        this.dress(node);
      }
    }
    while (box.children.length > blocks.length) box.lastElementChild?.remove();
  }

  /**
   * Give a finished block its buttons, and let the keyboard scroll what is wide.
   * @param {HTMLElement} block
   */
  dress(block) {
    const { panel } = this;
    for (const code of /** @type {NodeListOf<HTMLElement>} */ (block.querySelectorAll("pre.chatnb-code"))) {
      const text = () => code.textContent ?? "";
      const bar = h("div", { class: "chatnb-codebar" }, h("span", {}, code.dataset.language || "code"),
        button("copy", "Copy the code", () => panel.copyText(text(), "The code is on the clipboard.")),
        button("insert", "Put into a new cell below", () => panel.insert([text()])));
      code.before(rove(bar));
      panel.wide.observe(code);
    }
    if (block.querySelector("table, math")) panel.wide.observe(block);
    for (const remote of /** @type {NodeListOf<HTMLElement>} */ (block.querySelectorAll("button.chatnb-remote"))) {
      const { src = "" } = remote.dataset;
      if (!/^https?:/i.test(src)) continue;
      remote.title = src;
      remote.addEventListener("click", () => remote.replaceWith(h("img", { src, alt: remote.textContent, referrerpolicy: "no-referrer" })));
    }
  }

  /** @param {Entry} entry */
  drawEnd(entry) {
    this.end.replaceChildren(
      ...(entry.mark ? [h("p", { class: "chatnb-outcome" }, entry.mark)] : []),
      ...(entry.error ? [h("p", { class: "chatnb-error" }, visible(entry.error))] : []),
      ...(entry.warning ? [h("p", { class: "chatnb-error" }, entry.warning)] : []),
      ...(entry.footer ? [h("p", { class: "chatnb-footer" }, entry.footer)] : []),
    );
  }

  /** @param {Entry} entry */
  drawActions(entry) {
    const { panel } = this;
    const isUser = entry.role === "user";
    const codes = isUser ? [] : [...this.parts.querySelectorAll(".chatnb-text pre.chatnb-code")].map((code) => code.textContent ?? "");
    const { branches, id, turn } = entry;
    /** @param {number} to */
    const branch = (to) => () => panel.run("branch", { turn, to });
    const made = [
      panel.can("branch") && branches && h("span", { class: "chatnb-branches" },
        button(null, "The branch before", branch(branches.at - 1), "‹", { disabled: branches.at <= 1 }),
        h("span", {}, `${branches.at}/${branches.of}`),
        button(null, "The next branch", branch(branches.at + 1), "›", { disabled: branches.at >= branches.of })),
      panel.can("copy") && button("copy", "Copy as Markdown", () => panel.copyMessage(id)),
      codes.length > 1 && button("insert", `Put all ${codes.length} code blocks into new cells below`, () => panel.insert(codes)),
      !isUser && panel.can("again") && button("again", "Ask again", () => panel.run("again", { turn })),
      !isUser && panel.can("again") && panel.can("models") && button("more", "Ask again with another model", (event) => panel.sheets.models(event, turn)),
      isUser && panel.can("edit") && button(null, "Edit and ask anew", () => panel.composer.edit(entry), "Edit"),
      panel.can("hide") && button("hide", entry.is_hidden ? "Show to the model again" : "Hide from the model",
        () => panel.run("hide", { message: id, is_hidden: !entry.is_hidden }), "", { "aria-pressed": String(Boolean(entry.is_hidden)) }),
      panel.can("fork") && button(null, "Go on from here in a new session", () => panel.run("fork", { message: id }), "Fork"),
      isUser && panel.can("delete") && button("close", "Delete this turn", () => panel.run("delete", { turn })),
    ];
    this.tools.replaceChildren(...made.filter((one) => one instanceof Node));
  }
}

/**
 * @param {Part} part
 */
function newPart(part) {
  const data = { "data-type": part.type, class: `chatnb-${part.type}` };
  if (part.type === "text") return h("div", data);
  if (part.type === "thinking") return h("details", data, h("summary"), h("div"));
  return h("details", data, h("summary", {}, h("code"), h("span", { class: "chatnb-brief" }), h("span", { class: "chatnb-took" })),
    h("div", {}, h("pre", { "aria-label": "Arguments", tabindex: 0 }), h("pre", { "aria-label": "Result", tabindex: 0 })));
}

/**
 * @param {string} mime
 * @param {string} data
 * @param {string} alt
 */
function picture(mime, data, alt) {
  return h("img", { class: "chatnb-picture", src: /^image\/[\w.+-]+$/.test(mime) ? `data:${mime};base64,${data}` : "", alt });
}

/* A tool that asks to be run */

const VERDICTS = /** @type {const} */ ([["once", "Allow once"], ["session", "Allow in this session"], ["folder", "Allow in "], ["no", "No"], ["never", "Never"]]);

/**
 * @param {Panel} panel
 * @param {Proposal} proposal
 */
function approvalCard(panel, proposal) {
  const id = `chatnb-${panel.id}-${proposal.call}`;
  const name = visible(proposal.name);
  const given = visible(JSON.stringify(proposal.arguments, null, 2));
  const preview = visible(proposal.preview ?? "");
  const isDiff = /^(---|\+\+\+|@@) /m.test(preview);
  const lines = preview.split("\n").map((line) => h("span", { class: isDiff ? { "+": "chatnb-added", "-": "chatnb-removed" }[line[0]] : null }, `${line}\n`));
  const effects = proposal.effects?.length ? ` It ${proposal.effects.join(", ")}.` : "";
  const buttons = VERDICTS.filter(([verdict]) => verdict !== "folder" || proposal.scope).map(([verdict, words]) =>
    button(null, words, () => panel.run("approve", { call: proposal.call, verdict }), verdict === "folder" ? words + visible(proposal.scope ?? "") : words,
      { class: `chatnb-button ${verdict === "once" ? "chatnb-primary" : "chatnb-plainly"}` }));
  return h("section", { class: "chatnb-approval", role: "group", "aria-labelledby": id, "data-call": proposal.call },
    h("h3", { id, tabindex: -1 }, "May ", h("code", {}, name), " run?"),
    h("p", {}, `The model asks for this.${effects}`, proposal.reason && ` ${visible(proposal.reason)}`),
    preview && h("pre", { tabindex: 0, "aria-label": "What it would do" }, ...lines),
    h("details", { open: !preview }, h("summary", {}, "Exact arguments"), h("pre", { tabindex: 0, "aria-label": "Exact arguments" }, given)),
    rove(h("div", { class: "chatnb-verdicts", role: "toolbar", "aria-label": `May ${name} run?` }, ...buttons)));
}

/* What opens over the conversation: models, sessions, settings, tools, export, a preview */

const OPTIONS = /** @type {const} */ ([
  ["temperature", "Temperature", "0.1"], ["num_ctx", "Window (tokens)", "1"], ["num_predict", "Longest answer (tokens)", "1"], ["seed", "Seed", "1"],
]);

class Sheets {
  /** @param {Panel} panel */
  constructor(panel) {
    this.panel = panel;
    this.title = h("h2", { id: `chatnb-${panel.id}-sheet` });
    this.body = h("div", { class: "chatnb-sheetbody" });
    /** @type {HTMLElement | null} */
    this.opener = null;
    this.node = h("div", { class: "chatnb-sheet", role: "dialog", "aria-labelledby": this.title.id, hidden: true },
      h("header", {}, this.title, button("close", "Close", () => this.close())), this.body);
    this.node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
  }

  close() {
    if (this.node.hidden) return;
    const hadFocus = this.node.contains(document.activeElement);
    this.node.hidden = true;
    this.opener?.setAttribute("aria-expanded", "false");
    if (hadFocus) (this.opener?.isConnected ? this.opener : this.panel.composer.area).focus();
  }

  /**
   * @param {MouseEvent} event whose button opened it, and gets the focus back
   * @param {string} title
   * @param {() => Promise<(Node | string | null | false)[]>} fill
   */
  async open(event, title, fill) {
    const opener = /** @type {HTMLElement} */ (event.currentTarget);
    const isSame = !this.node.hidden && this.opener === opener;
    this.close();
    if (isSame) return;
    this.opener = opener;
    opener.setAttribute("aria-expanded", "true");
    write(this.title, title);
    this.body.replaceChildren(h("p", { class: "chatnb-quiet" }, "Asking the kernel…"));
    this.node.hidden = false;
    /** @type {HTMLElement} */ (this.node.querySelector("header button")).focus();
    try {
      const made = await fill();
      if (this.opener !== opener || this.node.hidden) return;
      this.body.replaceChildren(...made.filter((one) => one instanceof Node || typeof one === "string"));
      /** @type {HTMLElement | null} */ (this.body.querySelector("input, textarea, [aria-current=true], button"))?.focus();
    } catch (error) {
      this.body.replaceChildren(h("p", { class: "chatnb-error", role: "alert" }, sentenceOf(error)));
    }
  }

  /**
   * @param {string} name
   * @param {object} [more]
   */
  async finish(name, more) {
    if (await this.panel.run(name, more)) this.close();
  }

  /**
   * @param {MouseEvent} event
   * @param {string} [turn] to be asked again with the model that is chosen; else it becomes the session's
   */
  models(event, turn) {
    this.open(event, turn ? "Ask again with" : "Model", async () => {
      const { models, current } = await this.panel.carrier.do("models");
      const rows = models.map((/** @type {any} */ model) => row(model.name, [
        model.size_bytes ? `${(model.size_bytes / 1e9).toFixed(1)} GB` : "", ...(model.capabilities ?? []), model.is_loaded ? "loaded" : "",
      ], model.name === current, () => (turn ? this.finish("again", { turn, model: model.name }) : this.finish("configure", { model: model.name }))));
      return rows.length ? [rove(h("ul", { class: "chatnb-list" }, ...rows))] : ["The server has no models yet."];
    });
  }

  /** @param {MouseEvent} event */
  sessions(event) {
    this.open(event, "Sessions", async () => {
      const { panel } = this;
      const list = rove(h("ul", { class: "chatnb-list", "aria-label": "Sessions" }));
      const fill = async (/** @type {string} */ query) => {
        const { sessions } = await panel.carrier.do("sessions", query ? { query } : {});
        list.replaceChildren(...sessions.map((/** @type {any} */ one) => row(one.title || "Untitled", [
          one.model, one.message_count === undefined ? "" : `${one.message_count} messages`, one.updated_at ? new Date(one.updated_at).toLocaleDateString() : "",
        ], one.is_current, () => this.finish("open", { session: one.id }))));
        if (!sessions.length) list.replaceChildren(h("li", { class: "chatnb-quiet" }, "No session fits."));
      };
      await fill("");
      const search = h("input", { type: "search", placeholder: "Search", "aria-label": "Search the sessions",
        input: later(200, () => fill(search.value).catch((error) => panel.say(sentenceOf(error)))) });
      const title = h("input", { "aria-label": "Title of this session", value: panel.state?.session.title ?? "", maxlength: 200 });
      return [
        h("div", { class: "chatnb-line" }, search, panel.can("new") && button("new", "New session", () => this.finish("new"), "New session")),
        list,
        panel.can("rename") && h("form", { class: "chatnb-line", submit: (/** @type {any} */ submit) => {
          submit.preventDefault();
          this.finish("rename", { title: title.value });
        } }, title, h("button", { class: "chatnb-button", type: "submit" }, "Rename")),
      ];
    });
  }

  /** @param {MouseEvent} event */
  settings(event) {
    this.open(event, "Settings of this session", async () => {
      const { system = "", options = {}, think = null } = this.panel.state?.session ?? {};
      const prompt = h("textarea", { rows: 4, dir: "auto" }, system);
      const choice = h("select", {}, ...[["", "As the model does"], ["true", "Yes"], ["false", "No"]].map(([value, words]) =>
        h("option", { value, selected: value === String(think ?? "") }, words)));
      const fields = OPTIONS.map(([name, words, step]) => ({ name, words, input: h("input", { type: "number", step, value: /** @type {any} */ (options)[name] ?? "" }) }));
      const known = new Set(fields.map(({ name }) => String(name)));
      const others = Object.entries(options).filter(([name]) => !known.has(name));
      const rest = h("textarea", { rows: 2, spellcheck: "false" }, others.length ? JSON.stringify(Object.fromEntries(others)) : "");
      const problem = h("p", { class: "chatnb-error", role: "alert" });
      const save = (/** @type {any} */ submit) => {
        submit.preventDefault();
        try {
          const chosen = { ...JSON.parse(rest.value.trim() || "{}") };
          for (const { name, input } of fields) if (input.value !== "") chosen[name] = Number(input.value);
          this.finish("configure", { system: prompt.value, options: chosen, think: choice.value ? choice.value === "true" : null });
        } catch {
          write(problem, 'Other options have to be JSON, such as {"top_p": 0.9}.');
        }
      };
      return [h("form", { class: "chatnb-form", submit: save },
        h("label", {}, "System prompt", prompt),
        h("label", {}, "Think before answering", choice),
        ...fields.map(({ words, input }) => h("label", {}, words, input)),
        h("label", {}, "Other options (JSON)", rest), problem,
        h("div", { class: "chatnb-line" }, h("button", { class: "chatnb-button chatnb-primary", type: "submit" }, "Save")))];
    });
  }

  /** @param {MouseEvent} event */
  tools(event) {
    this.open(event, "Tools", async () => {
      const { tools } = await this.panel.carrier.do("tools");
      if (!tools.length) return ["There are no tools."];
      const rules = /** @type {Record<string, string>} */ ({ always: "runs without asking", ask: "asks first", never: "never runs" });
      const list = h("ul", { class: "chatnb-list chatnb-tools", change: () => {
        const chosen = [...list.querySelectorAll("input")].filter((box) => box.checked).map((box) => box.value);
        this.panel.run("choose", { tools: chosen });
      } }, ...tools.map((/** @type {any} */ tool) => h("li", {}, h("label", {},
        h("input", { type: "checkbox", value: tool.name, checked: tool.is_chosen }), h("b", {}, visible(tool.name)), ` ${visible(tool.description ?? "")} `,
        h("span", { class: "chatnb-quiet" }, [...(tool.may?.length ? [`may: ${tool.may.join(", ")}`] : []), rules[tool.rule] ?? tool.rule].join(" · "))))));
      return [list];
    });
  }

  /** @param {MouseEvent} event */
  exports(event) {
    this.open(event, "Export", async () => {
      const { name, mime, data } = await this.panel.carrier.do("export", { format: "md" });
      const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
      return [h("div", { class: "chatnb-line" },
        button("copy", "Copy as Markdown", () => this.panel.copyText(new TextDecoder().decode(bytes), "The conversation is on the clipboard."), "Copy as Markdown"),
        button("export", `Save ${name}`, () => {
          const link = h("a", { href: URL.createObjectURL(new Blob([bytes], { type: mime })), download: name });
          link.click();
          setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
        }, `Save ${name}`))];
    });
  }

  /**
   * @param {MouseEvent} event
   * @param {Attachment} attachment
   */
  preview(event, attachment) {
    this.open(event, "What is sent", async () => {
      const { label, text, tokens, image } = await this.panel.carrier.do("preview", "ref" in attachment ? attachment : { attachment });
      return [h("p", {}, h("b", {}, visible(label)), tokens ? ` · about ${kilo(tokens)} tokens` : ""),
        image && picture(image.mime, image.data, visible(label)), text && h("pre", { tabindex: 0, "aria-label": "The text that is sent" }, visible(text))];
    });
  }
}

/**
 * @param {string} name
 * @param {string[]} more
 * @param {boolean} isCurrent
 * @param {() => void} click
 */
function row(name, more, isCurrent, click) {
  return h("li", {}, h("button", { type: "button", class: "chatnb-row", "aria-current": isCurrent ? "true" : null, click },
    h("span", { dir: "auto" }, visible(name)), h("span", { class: "chatnb-quiet" }, more.filter(Boolean).join(" · "))));
}

/**
 * @param {unknown} error
 */
function sentenceOf(error) {
  return visible(error instanceof Error ? error.message : String(error));
}

/**
 * Call `done` once nothing has asked for it for a while.
 * @param {number} milliseconds
 * @param {() => void} done
 */
function later(milliseconds, done) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(done, milliseconds);
  };
}

/* Where the question is written */

const TEXTUAL = /^text\/|[/+](json|xml|yaml|toml|javascript|sql|x-ipynb\+json)$/;
const TEXTUAL_NAME = /\.(csv|tsv|md|txt|py|r|jl|js|ts|json|jsonl|ya?ml|toml|ini|cfg|sql|tex|log|sh|c|h|cpp|rs|go|java|ipynb)$/i;
const LARGEST_BYTES = 8e6;

class Composer {
  /** @param {Panel} panel */
  constructor(panel) {
    this.panel = panel;
    /** @type {{attachment: Attachment, label: string, tokens: number | null, mention: string}[]} */
    this.attached = [];
    /** @type {any[]} */
    this.items = [];
    this.chosen = 0;
    this.recalled = -1;
    this.asked = 0;
    /** @type {Entry | null} a question that is asked anew */
    this.edited = null;
    this.area = h("textarea", {
      rows: 1, dir: "auto", "aria-label": "Your question", placeholder: "Ask about this notebook", "aria-autocomplete": "list",
      input: () => this.changed(), keydown: (event) => this.key(event),
      paste: (event) => this.take(event, event.clipboardData),
      blur: later(150, () => this.area !== document.activeElement && this.showItems([])),
    });
    this.list = h("ul", { class: "chatnb-items", id: `chatnb-${panel.id}-items`, role: "listbox", "aria-label": "What can be named", hidden: true });
    this.peek = h("pre", { class: "chatnb-peek", hidden: true });
    this.chips = rove(h("ul", { class: "chatnb-chips", "aria-label": "Attached" }));
    this.meter = h("div", { class: "chatnb-meter", hidden: true });
    this.files = h("input", { type: "file", multiple: true, hidden: true, change: () => {
      for (const file of this.files.files ?? []) this.attachFile(file);
      this.files.value = "";
    } });
    this.send = button("send", "Send", () => this.submit(), "", { class: "chatnb-button chatnb-primary" });
    this.stop = button("stop", "Stop", () => panel.stop(), "Stop", { class: "chatnb-button chatnb-stop" });
    const quick = rove(h("div", { class: "chatnb-quick", role: "toolbar", "aria-label": "Attach" },
      button("attach", "A file or picture", () => this.files.click()),
      button(null, "The cell above", () => this.attach(panel.notebook.above()), "Cell above"),
      button(null, "The last error", () => this.attach({ ref: "error" }), "Last error"),
      button(null, "The selection", () => this.attachSelection(), "Selection", { pointerdown: (event) => event.preventDefault() })));
    this.node = h("form", {
      class: "chatnb-composer", submit: (event) => event.preventDefault(),
      dragover: (event) => event.preventDefault(), drop: (event) => this.take(event, event.dataTransfer),
    }, this.peek, this.list, this.chips, this.area, this.files, h("div", { class: "chatnb-line" }, quick, this.meter, this.stop, this.send));
    this.complete = later(80, () => this.lookUp());
    this.measure = later(400, () => this.plan());
    this.peekAt = later(150, () => this.preview());
  }

  /** @param {State} state */
  draw(state) {
    const isUnderWay = Boolean(state.live) || this.panel.unsent.length > 0;
    this.stop.hidden = !isUnderWay || !this.panel.can("cancel");
    this.send.hidden = isUnderWay && !this.area.value.trim();
    this.drawChips();
  }

  changed() {
    this.attached = this.attached.filter(({ mention }) => !mention || this.area.value.includes(mention));
    this.area.style.height = "auto";
    this.area.style.height = `${this.area.scrollHeight + 2}px`;
    this.recalled = -1;
    if (this.panel.state) this.draw(this.panel.state);
    this.complete();
    this.measure();
  }

  /** @param {string} text */
  put(text) {
    this.area.value = text;
    this.changed();
    this.area.setSelectionRange(text.length, text.length);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.isComposing) return;
    const { key } = event;
    const { area, items } = this;
    const done = () => event.preventDefault();
    if (items.length && (key === "ArrowDown" || key === "ArrowUp")) {
      done();
      this.choose(this.chosen + (key === "ArrowDown" ? 1 : -1));
    } else if (items.length && (key === "Tab" || key === "Enter") && !event.shiftKey) {
      done();
      this.pick(items[this.chosen]);
    } else if (items.length && key === "Escape") {
      done();
      event.stopPropagation();
      this.showItems([]);
    } else if (key === "Enter" && !event.shiftKey) {
      done();
      this.submit();
    } else if (key === "ArrowUp" && !event.shiftKey && (this.recalled >= 0 || !area.value)) {
      done();
      this.recall(this.recalled + 1);
    } else if (key === "ArrowDown" && this.recalled >= 0) {
      done();
      this.recall(this.recalled - 1);
    } else if (key === "Backspace" && !area.value && this.attached.length) {
      this.remove(this.attached.length - 1);
    }
  }

  /** @param {number} back how many questions ago; -1 is an empty line */
  recall(back) {
    const asked = (this.panel.state?.entries ?? []).filter((entry) => entry.role === "user" && entry.text).reverse();
    if (back >= asked.length) return;
    this.put(back < 0 ? "" : asked[back].text ?? "");
    this.recalled = back;
  }

  async submit() {
    const { panel, edited } = this;
    const text = this.area.value.trim();
    if (!text || !panel.can("ask")) return;
    const attached = this.attached;
    const attachments = attached.filter(({ mention }) => !mention).map(({ attachment }) => attachment);
    this.attached = [];
    this.edited = null;
    this.put("");
    this.showItems([]);
    const isSent = await panel.ask(text, attachments, edited?.turn);
    if (isSent || this.area.value) return;
    this.attached = attached;
    this.edited = edited;
    this.put(text);
  }

  /** @param {Entry} entry */
  edit(entry) {
    this.edited = entry;
    this.put(entry.text ?? "");
    this.area.focus();
  }

  /**
   * @param {Attachment} attachment
   * @param {string} [mention] the words in the text that stand for it
   */
  async attach(attachment, mention = "") {
    const name = "ref" in attachment ? attachment.ref : attachment.name;
    if (!this.panel.can("ask") || this.attached.some(({ label }) => label === name)) return;
    const one = { attachment, label: name, tokens: /** @type {number | null} */ (null), mention };
    this.attached = [...this.attached, one];
    this.changed();
    if (!mention) this.area.focus();
    try {
      const seen = await this.panel.carrier.do("preview", "ref" in attachment ? attachment : { attachment });
      one.label = seen.label || name;
      one.tokens = seen.tokens ?? null;
    } catch (error) {
      this.attached = this.attached.filter((other) => other !== one);
      this.panel.say(sentenceOf(error));
    }
    this.drawChips();
  }

  /** @param {number} i */
  remove(i) {
    const [{ mention }] = this.attached.splice(i, 1);
    if (mention) this.area.value = this.area.value.replace(mention, "").trimStart();
    this.changed();
    const left = this.chips.querySelectorAll("button");
    (left[Math.min(i * 2, left.length - 1)] ?? this.area).focus();
  }

  drawChips() {
    const { panel } = this;
    const pins = (panel.state?.session.pins ?? []).map((ref) => panel.chip({ ref, label: ref }, true));
    const own = this.attached.map(({ attachment, label, tokens }, i) => h("li", { class: "chatnb-chip", keydown: (event) => {
      if (event.key === "Delete" || event.key === "Backspace") this.remove(i);
    } }, button(null, `Show what is sent of ${visible(label)}`, (event) => panel.sheets.preview(event, attachment), visible(label)),
      tokens !== null && h("span", { class: "chatnb-quiet" }, kilo(tokens)), button("close", `Remove ${visible(label)}`, () => this.remove(i))));
    const key = JSON.stringify([panel.state?.session.pins, this.attached.map(({ label, tokens }) => [label, tokens])]);
    if (this.chips.dataset.key === key) return;
    this.chips.dataset.key = key;
    this.chips.replaceChildren(...pins, ...own);
  }

  attachSelection() {
    const text = this.panel.notebook.selected() || this.panel.selection;
    if (text) this.attach(textFile("the selection", text));
    else this.panel.say("Nothing is selected in the notebook.");
  }

  /**
   * @param {ClipboardEvent | DragEvent} event
   * @param {DataTransfer | null} data
   */
  take(event, data) {
    const files = [...(data?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    files.forEach((file) => this.attachFile(file));
  }

  /** @param {File} file */
  async attachFile(file) {
    const { name, type, size } = file;
    const isText = TEXTUAL.test(type) || TEXTUAL_NAME.test(name);
    if (!isText && !type.startsWith("image/")) this.panel.say(`${visible(name)} is neither text nor a picture, so it cannot be attached here.`);
    else if (size > LARGEST_BYTES) this.panel.say(`${visible(name)} is larger than ${LARGEST_BYTES / 1e6} MB; name it as @file:… instead.`);
    else this.attach({ name, mime: isText && !type.startsWith("text/") ? "text/plain" : type, data: base64(new Uint8Array(await file.arrayBuffer())) });
  }

  async plan() {
    const { panel, area } = this;
    const text = area.value.trim();
    if (!panel.can("plan") || !text) {
      this.meter.hidden = true;
      return;
    }
    const asked = ++this.asked;
    const attachments = this.attached.filter(({ mention }) => !mention).map(({ attachment }) => attachment);
    const planned = await panel.carrier.do("plan", { text, attachments }).catch(() => null);
    if (!planned || asked !== this.asked) return;
    const { tokens, num_ctx: window, notes = [], left_out: left = [] } = planned;
    const words = `${kilo(tokens)} of ${kilo(window)}`;
    const more = [...notes, ...left.map((/** @type {any} */ one) => `Left out: ${one.label} (${one.reason}).`)].map(visible);
    this.meter.hidden = false;
    this.meter.replaceChildren(
      h("meter", { min: 0, max: window || 1, high: 0.9 * (window || 1), optimum: 0, value: tokens, "aria-label": `The window is filled to ${words} tokens` }),
      h("span", { class: "chatnb-quiet" }, words), ...more.map((note) => h("p", {}, note)));
  }

  /** The `@…` before the cursor, or nothing. */
  mention() {
    const before = this.area.value.slice(0, this.area.selectionStart);
    return /(?:^|\s)(@\S*)$/.exec(before)?.[1] ?? "";
  }

  async lookUp() {
    const text = this.mention();
    if (!text || !this.panel.can("complete")) {
      this.showItems([]);
      return;
    }
    const { items } = await this.panel.carrier.do("complete", { text }).catch(() => ({ items: [] }));
    if (text === this.mention() && this.area === document.activeElement) this.showItems(items.slice(0, 50));
  }

  /** @param {any[]} items */
  showItems(items) {
    this.items = items;
    this.list.hidden = !items.length;
    this.peek.hidden = true;
    this.area.removeAttribute("aria-activedescendant");
    this.list.replaceChildren(...items.map((item, i) => h("li", {
      id: `${this.list.id}-${i}`, role: "option", "aria-selected": "false",
      pointerdown: (event) => event.preventDefault(), click: () => this.pick(item),
    }, h("span", {}, visible(item.label)), h("span", { class: "chatnb-quiet" }, item.kind))));
    if (items.length) {
      this.area.setAttribute("aria-controls", this.list.id);
      this.choose(0);
      this.panel.hear(`${items.length} to choose from`);
    }
  }

  /** @param {number} i */
  choose(i) {
    const { children } = this.list;
    this.chosen = (i + children.length) % children.length;
    for (const [at, item] of [...children].entries()) item.setAttribute("aria-selected", String(at === this.chosen));
    const now = children[this.chosen];
    now.scrollIntoView({ block: "nearest" });
    this.area.setAttribute("aria-activedescendant", now.id);
    this.peekAt();
  }

  async preview() {
    const item = this.items[this.chosen];
    if (!item || !this.panel.can("preview")) return;
    const seen = await this.panel.carrier.do("preview", { ref: item.ref }).catch(() => null);
    if (!seen || this.items[this.chosen] !== item) return;
    this.peek.hidden = false;
    write(this.peek, `${seen.label} · about ${kilo(seen.tokens)} tokens\n${visible(seen.text ?? "").split("\n").slice(0, 8).join("\n")}`);
  }

  /** @param {any} item */
  pick(item) {
    const at = this.area.selectionStart;
    const begins = at - this.mention().length;
    const words = `@${item.ref}`;
    this.area.setRangeText(`${words} `, begins, at, "end");
    this.showItems([]);
    this.attach({ ref: item.ref }, words);
    this.area.focus();
  }
}

/* The panel */

const NEAR_END_PX = 32;
const SILENCE_MS = 10_000;
const HERE_MS = 60_000;
let panels = 0;

class Panel {
  /**
   * @param {Model} model
   * @param {HTMLElement} element
   */
  constructor(model, element) {
    this.id = ++panels;
    this.model = model;
    const view = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    this.known = begin(view);
    this.carrier = new Carrier(model, view, (isBusy) => this.showBusy(isBusy));
    this.notebook = new Notebook(model, element);
    /** @type {Map<string, EntryView>} */
    this.views = new Map();
    /** @type {Entry[]} questions that the kernel has not taken yet */
    this.unsent = [];
    this.silenced = 0;
    this.isBusy = false;
    this.follows = true;
    this.top = 0;
    this.frame = 0;
    this.selection = "";
    /** @type {WeakMap<Element, number>} how much of a block was let be heard */
    this.spoken = new WeakMap();
    this.heardAt = 0;
    this.wide = new ResizeObserver((seen) => {
      for (const { target } of seen) {
        if (target.scrollWidth <= target.clientWidth) target.removeAttribute("tabindex");
        else for (const [name, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", "Scrolls sideways"]]) target.setAttribute(name, value);
      }
    });
    // A message gets its height when it comes into view.
    this.heights = new ResizeObserver(() => this.stick());
    this.sheets = new Sheets(this);
    this.composer = new Composer(this);
    const { sheets } = this;
    const opens = { "aria-haspopup": "dialog", "aria-expanded": "false" };
    this.title = button(null, "Sessions", (event) => sheets.sessions(event), " ", { ...opens, class: "chatnb-button chatnb-title", dir: "auto" });
    this.who = button("more", "Model", (event) => sheets.models(event), " ", { ...opens, class: "chatnb-button chatnb-model" });
    this.bar = rove(h("div", { class: "chatnb-bar", role: "toolbar", "aria-label": "This chat" }, this.title, this.who,
      button("tools", "Tools", (event) => sheets.tools(event), "", { ...opens, "data-needs": "tools" }),
      button("settings", "Settings", (event) => sheets.settings(event), "", { ...opens, "data-needs": "configure" }),
      button("export", "Export", (event) => sheets.exports(event), "", { ...opens, "data-needs": "export" }),
      button("new", "New session", () => this.run("new"), "", { "data-needs": "new" }),
      button(null, "Take back the last turn", () => this.run("undo"), "Undo", { "data-needs": "undo" })));
    this.entries = h("div", { class: "chatnb-entries", role: "feed", "aria-label": "Conversation" });
    this.asks = h("div", {});
    this.starters = h("div", { class: "chatnb-starters" });
    this.log = h("div", { class: "chatnb-log", tabindex: 0, role: "group", "aria-label": "Conversation; Page Up and Page Down go between messages",
      scroll: () => this.scrolled(), keydown: (event) => this.page(event) }, this.starters, this.entries, this.asks);
    this.back = button("down", "Back to the end", () => this.toEnd(), "Back to the end", { class: "chatnb-button chatnb-back" });
    this.notices = h("div", { class: "chatnb-notices" });
    this.toast = h("div", { class: "chatnb-toast", role: "status" });
    this.heard = h("div", { class: "chatnb-unseen", "aria-live": "polite" });
    this.root = h("section", { class: "chatnb-panel", "aria-label": "Chat", keydown: (event) => this.escape(event),
      pointerdown: (event) => !sheets.node.contains(event.target) && !sheets.opener?.contains(event.target) && sheets.close() },
      this.bar, sheets.node, h("div", { class: "chatnb-middle" }, this.log, this.back), this.notices, this.toast, this.composer.node, this.heard);
    element.append(this.root);
    this.heights.observe(this.entries);
  }

  get state() {
    return this.known.state;
  }

  /** Begin, and return what ends it. */
  start() {
    const hear = (/** @type {Message} */ message) => this.take(message);
    // JupyterLab's shortcuts would take letters typed on a button, but saving and the palette stay.
    const shield = (/** @type {KeyboardEvent} */ event) => {
      const isLabs = (event.ctrlKey || event.metaKey) && (event.shiftKey || event.key === "s") && event.key !== "Enter";
      this.root.toggleAttribute("data-lm-suppress-shortcuts", !isLabs);
      if (!isLabs) this.root.setAttribute("data-lm-suppress-shortcuts", "true");
    };
    const select = () => {
      const selection = document.getSelection();
      if (selection?.anchorNode && !this.root.contains(selection.anchorNode)) this.selection = selection.toString().trim();
    };
    const look = () => {
      if (this.state?.live && performance.now() - this.heardAt > SILENCE_MS) this.hello();
    };
    this.model.on("msg:custom", hear);
    window.addEventListener("keydown", shield, true);
    window.addEventListener("online", look);
    document.addEventListener("selectionchange", select);
    const isHere = () => this.state?.approvals.length && this.carrier.tell("here");
    const watches = [setInterval(look, SILENCE_MS), setInterval(isHere, HERE_MS)];
    this.composer.node.hidden = true;
    this.hello();
    return () => {
      this.model.off("msg:custom", hear);
      window.removeEventListener("keydown", shield, true);
      window.removeEventListener("online", look);
      document.removeEventListener("selectionchange", select);
      watches.forEach((watch) => clearInterval(watch));
      this.carrier.tell("bye");
      cancelAnimationFrame(this.frame);
      this.wide.disconnect();
      this.heights.disconnect();
    };
  }

  hello() {
    this.heardAt = performance.now();
    this.carrier.hello().catch((error) => this.say(sentenceOf(error)));
  }

  /** @param {any} message */
  take(message) {
    if (message?.v !== 1) return;
    this.heardAt = performance.now();
    if (message.kind === "done" || message.kind === "failed") {
      this.carrier.settle(message);
      return;
    }
    const { known } = this;
    this.known = reduce(known, message);
    if (this.known.isLost && !known.isLost) this.hello();
    if (message.kind === "snapshot" && message.view === known.view) {
      this.carrier.greeted();
      this.suggest();
      this.freshen();
    }
    if (this.known !== known) this.later();
  }

  later() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /** @param {string} command */
  can(command) {
    return Boolean(this.state?.can.includes(command));
  }

  /**
   * Send a command; what goes wrong is said.
   * @param {string} name
   * @param {object} [more]
   */
  async run(name, more) {
    try {
      return await this.carrier.do(name, more);
    } catch (error) {
      this.say(sentenceOf(error));
      return null;
    }
  }

  /**
   * @param {string} text
   * @param {Attachment[]} attachments
   * @param {string} [turn] the turn whose question is replaced
   */
  async ask(text, attachments, turn) {
    const context = attachments.map((one) => ({ label: "ref" in one ? one.ref : one.name, ref: "" }));
    const answer = this.run(turn ? "edit" : "ask", { text, attachments, ...(turn && { turn }) });
    // Until the kernel has named its turn, a question goes by the id of its command.
    const id = `c${this.carrier.count}`;
    this.unsent = [...this.unsent, { id, turn: id, role: "user", text, context }];
    this.follows = true;
    this.later();
    const isSent = await answer;
    this.unsent = this.unsent.filter((one) => one.id !== id);
    this.later();
    return isSent;
  }

  stop() {
    const turn = this.state?.live?.turn ?? this.unsent[0]?.turn;
    if (turn && this.can("cancel")) this.run("cancel", { turn });
  }

  /** @param {KeyboardEvent} event */
  escape(event) {
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.stop();
    this.composer.area.focus();
  }

  draw() {
    const { state } = this;
    if (!state) return;
    const top = this.anchor();
    this.composer.node.hidden = !this.can("ask");
    write(this.title.lastElementChild ?? this.title, state.session.title || "New session");
    write(this.who.lastElementChild ?? this.who, state.model || "no model");
    for (const needy of /** @type {NodeListOf<HTMLElement>} */ (this.bar.querySelectorAll("[data-needs]"))) needy.hidden = !this.can(needy.dataset.needs ?? "");
    this.drawEntries(state);
    this.drawApprovals(state.approvals);
    this.drawNotices(state.notices);
    this.composer.draw(state);
    this.root.classList.toggle("chatnb-empty", !this.entries.children.length);
    this.stick();
    if (!this.follows && top) this.log.scrollTop += top.node.offsetTop - top.at;
    this.back.hidden = this.follows;
  }

  /** @param {State} state */
  drawEntries(state) {
    /** @type {[string, Entry, Live | null, string][]} */
    const rows = [];
    /** @type {Map<string, number>} */
    const counts = new Map();
    // A turn keeps its elements when it is over: the key is the turn and which of its messages it is.
    const add = (/** @type {Entry} */ entry, /** @type {Live | null} */ live, mark = "") => {
      const key = `${entry.turn} ${entry.role}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      rows.push([`${key} ${counts.get(key)}`, entry, live, mark]);
    };
    state.entries.forEach((entry) => add(entry, null));
    const { live } = state;
    if (live) {
      add(live.question, live);
      add({ id: "", turn: live.turn, role: "assistant", model: live.model, parts: live.parts }, live);
    }
    state.waiting.forEach((entry) => add(entry, null, "waits for the answer before it"));
    this.unsent.forEach((entry) => add(entry, null, this.isBusy ? "the kernel is busy; this waits" : "sending"));
    const keys = new Set(rows.map(([key]) => key));
    for (const [key, view] of this.views) {
      if (keys.has(key)) continue;
      view.node.remove();
      this.views.delete(key);
    }
    let at = this.entries.firstElementChild;
    for (const [key, entry, inFlight, mark] of rows) {
      const view = this.views.get(key) ?? new EntryView(this, entry.role);
      this.views.set(key, view);
      view.update(entry, inFlight, mark);
      if (view.node === at) at = at.nextElementSibling;
      else this.entries.insertBefore(view.node, at);
    }
    this.entries.setAttribute("aria-busy", String(Boolean(live)));
    this.starters.hidden = rows.length > 0;
  }

  /** @param {Proposal[]} approvals */
  drawApprovals(approvals) {
    const calls = new Set(approvals.map(({ call }) => call));
    const cards = /** @type {HTMLElement[]} */ ([...this.asks.children]);
    for (const card of cards.filter(({ dataset }) => !calls.has(dataset.call ?? ""))) {
      const hadFocus = card.contains(document.activeElement);
      card.remove();
      if (hadFocus) this.composer.area.focus();
    }
    for (const proposal of approvals) {
      if (cards.some(({ dataset }) => dataset.call === proposal.call)) continue;
      const card = approvalCard(this, proposal);
      this.asks.append(card);
      this.follows = true;
      this.hear(`May ${visible(proposal.name)} run? Nothing runs before you answer.`);
      // The heading, not a button: whoever is typing must not agree by accident.
      if (this.root.contains(document.activeElement) && !this.composer.area.value) card.querySelector("h3")?.focus();
    }
  }

  /** @param {string[]} notices */
  drawNotices(notices) {
    const shown = notices.slice(this.silenced);
    if (this.notices.childElementCount === shown.length) return;
    this.notices.replaceChildren(...shown.map((notice) => h("p", {}, visible(notice), button("close", "Dismiss", () => {
      this.silenced = notices.length;
      this.drawNotices(notices);
    }))));
  }

  /** @param {boolean} isBusy */
  showBusy(isBusy) {
    if (this.isBusy === isBusy) return;
    this.isBusy = isBusy;
    this.say(isBusy ? "The kernel is busy; this waits until it can answer." : "");
    this.later();
  }

  /**
   * Say something to the reader, until the next thing is said.
   * @param {string} sentence
   * @param {Node} [more]
   */
  say(sentence, more) {
    this.toast.replaceChildren(...(sentence ? [h("span", {}, sentence), more ?? "", button("close", "Dismiss", () => this.say(""))] : []));
  }

  /**
   * Let a screen reader say something.
   * @param {string} words
   */
  hear(words) {
    this.heard.append(h("p", {}, words));
    while (this.heard.childElementCount > 20) this.heard.firstElementChild?.remove();
  }

  /**
   * Let a block of the answer be heard, by sentences.
   * @param {HTMLElement} block
   * @param {boolean} isDone
   */
  speak(block, isDone) {
    const code = block.querySelectorAll("pre.chatnb-code").length;
    if (code && !isDone) return;
    const text = code ? "A block of code." : block.textContent ?? "";
    const from = this.spoken.get(block) ?? 0;
    const { heard, rest } = sentences(text.slice(from));
    for (const sentence of isDone && rest.trim() ? [...heard, rest] : heard) this.hear(sentence);
    this.spoken.set(block, isDone ? text.length : text.length - rest.length);
  }

  stick() {
    if (this.follows) this.log.scrollTop = this.log.scrollHeight;
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    // What is below may have grown meanwhile: only whoever went up wants to stay there.
    const isUp = scrollTop < this.top;
    this.top = scrollTop;
    if (scrollHeight - scrollTop - clientHeight < NEAR_END_PX) this.follows = true;
    else if (isUp) this.follows = false;
    this.back.hidden = this.follows;
    if (scrollTop < clientHeight && this.state?.has_more) this.earlier();
  }

  toEnd() {
    this.follows = true;
    this.stick();
    this.composer.area.focus();
  }

  /** The first message that is in view, and where it is: it stays there whatever comes above. */
  anchor() {
    if (this.follows) return null;
    const { scrollTop } = this.log;
    const nodes = /** @type {HTMLElement[]} */ ([...this.entries.children]);
    const node = nodes.find(({ offsetTop, offsetHeight }) => offsetTop + offsetHeight > scrollTop);
    return node && { node, at: node.offsetTop };
  }

  async earlier() {
    const { state } = this;
    if (!state?.entries.length || this.isFetching || !this.can("earlier")) return;
    this.isFetching = true;
    const got = await this.run("earlier", { before: state.entries[0].id, count: 50 });
    this.isFetching = false;
    if (!got) return;
    this.known = reduce(this.known, { kind: "earlier", session: state.session.id, entries: got.entries, has_more: got.has_more });
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  page(event) {
    if (event.key !== "PageUp" && event.key !== "PageDown") return;
    const nodes = /** @type {HTMLElement[]} */ ([...this.entries.children]);
    const at = nodes.findIndex((node) => node.contains(document.activeElement));
    const to = event.key === "PageUp" ? (at < 0 ? nodes.length : at) - 1 : at + 1;
    if (!nodes[to]) return;
    event.preventDefault();
    nodes[to].focus();
    nodes[to].scrollIntoView({ block: "nearest" });
  }

  async suggest() {
    if (!this.can("suggest") || this.state?.entries.length || this.state?.live) return;
    const { starters = [] } = await this.carrier.do("suggest").catch(() => ({}));
    this.starters.replaceChildren(...starters.map((/** @type {any} */ one) => button(null, visible(one.text), async () => {
      this.composer.put(one.text);
      for (const ref of one.refs ?? []) await this.composer.attach({ ref });
      this.composer.area.focus();
    }, visible(one.text), { class: "chatnb-button chatnb-plainly" })));
  }

  /** Ask which of the things that were sent along have changed since. */
  async freshen() {
    if (!this.can("stale")) return;
    const { stale = [] } = await this.carrier.do("stale").catch(() => ({}));
    const old = new Map(stale.map((/** @type {any} */ one) => [one.message, new Set(one.changed)]));
    for (const view of this.views.values()) {
      const labels = old.get(view.entry?.id ?? "");
      if (view.entry && labels) view.update({ ...view.entry, context: view.entry.context?.map((one) => ({ ...one, is_stale: labels.has(one.label) })) }, view.live);
    }
  }

  /**
   * @param {Carried} carried
   * @param {boolean} [isPinned]
   */
  chip({ label, ref, tokens, is_stale: isStale }, isPinned = false) {
    const words = visible(label);
    const pinned = isPinned || Boolean(this.state?.session.pins?.includes(ref));
    return h("li", { class: "chatnb-chip" },
      ref && this.can("preview") ? button(null, `Show what would be sent of ${words} now`, (event) => this.sheets.preview(event, { ref }), words) : h("span", {}, words),
      tokens ? h("span", { class: "chatnb-quiet" }, kilo(tokens)) : "",
      isStale && h("span", { class: "chatnb-stale" }, "changed since"),
      ref && this.can("pin") && button("pin", pinned ? `Unpin ${words}` : `Send ${words} with every question`,
        () => this.run("pin", { ref, is_pinned: !pinned }), "", { "aria-pressed": String(pinned) }));
  }

  /**
   * @param {string} text
   * @param {string} sentence what is said then
   */
  async copyText(text, sentence) {
    try {
      await toClipboard(text);
      this.say(sentence);
    } catch (error) {
      this.say(sentenceOf(error));
    }
  }

  /** @param {string} message */
  async copyMessage(message) {
    const got = await this.run("copy", { message });
    if (got) await this.copyText(got.markdown, "The message is on the clipboard.");
  }

  /** @param {string[]} sources */
  insert(sources) {
    const takeBack = this.notebook.insert(sources);
    if (!takeBack) {
      this.copyText(sources.join("\n\n"), "This front end offers no way to add a cell, so the code is on the clipboard.");
      return;
    }
    const undo = button(null, "Undo", () => {
      takeBack();
      this.say("");
    }, "Undo");
    this.say(sources.length > 1 ? `${sources.length} new cells are below.` : "A new cell is below.", undo);
  }
}

/**
 * Show the panel of a widget; what is returned takes it away.
 * @param {{model: Model, el: HTMLElement}} given
 */
function render({ model, el }) {
  return new Panel(model, el).start();
}

export default { render };
