/**
 * Where the question is written, with what it carries along.
 *
 * @import {Attachment, State} from "./wire.d.ts"
 * @import {Panel} from "./panel.js"
 */

import { contentOf } from "./files.js";
import { textFile } from "./notebook.js";
import { button, h, kilo, later, prevent, rove, sentenceOf, write } from "./page.js";

const TEXTUAL = /^text\/|[/+](json|xml|yaml|toml|javascript|sql|x-ipynb\+json)$/;
const TEXTUAL_NAME = /\.(csv|tsv|md|txt|py|r|jl|js|ts|json|jsonl|ya?ml|toml|ini|cfg|sql|tex|log|sh|c|h|cpp|rs|go|java|ipynb)$/i;

export class Composer {
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
    this.area = h("textarea", {
      rows: 1, dir: "auto", label: "Your question", placeholder: "Ask about this notebook", "aria-autocomplete": "list",
      input: () => {
        panel.say("");
        this.changed();
      }, keydown: (event) => this.key(event),
      paste: (event) => this.take(event, event.clipboardData),
      blur: later(150, () => this.area !== document.activeElement && this.showItems([])),
    });
    this.list = h("ul.items", { id: `chatnb-${panel.id}-items`, role: "listbox", label: "What can be named", hidden: true });
    this.peek = h("pre.peek", { hidden: true });
    this.chips = rove(h("ul.chips", { label: "Attached" }));
    this.meter = h("div.meter", { hidden: true });
    this.remarks = h("div.remarks");
    this.files = h("input", { type: "file", multiple: true, hidden: true, change: () => {
      for (const file of this.files.files ?? []) this.attachFile(file);
      this.files.value = "";
    } });
    this.send = button("send", "Send", () => this.submit(), "", { kind: "primary" });
    this.stop = button("stop", "Stop", () => panel.stop(), "Stop", { kind: "stop" });
    const quick = rove(h("div.quick", { role: "toolbar", label: "Attach" },
      button("attach", "A file or picture", () => this.files.click()),
      button(null, "The cell above", () => this.attach(panel.notebook.above()), "Cell above"),
      button(null, "The last error", () => this.attach({ ref: "error" }), "Last error"),
      button(null, "The selection", () => this.attachSelection(), "Selection", { pointerdown: prevent })));
    this.node = h("form.composer", { submit: prevent }, this.peek, this.list, this.chips, this.area, this.files, this.remarks, h("div.line", {}, quick, this.meter, this.stop, this.send));
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

  /** What goes along with the question besides what its text names. */
  get attachments() {
    return this.attached.filter(({ mention }) => !mention).map(({ attachment }) => attachment);
  }

  /** @param {string} text */
  put(text) {
    this.area.value = text;
    this.changed();
    this.area.setSelectionRange(text.length, text.length);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const act = event.isComposing ? null : this.act(event);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  /**
   * What a key does, where it is not just written.
   * @param {KeyboardEvent} event
   */
  act({ key, shiftKey }) {
    const { area, items } = this;
    const step = key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
    if (items.length && key === "Escape") return () => this.showItems([]);
    if (shiftKey) return null;
    if (items.length && step) return () => this.choose(this.chosen + step);
    if (items.length && (key === "Tab" || key === "Enter")) return () => this.pick(items[this.chosen]);
    if (key === "Enter") return () => this.submit();
    if (this.recalled >= 0 ? step : step < 0 && !area.value) return () => this.recall(this.recalled - step);
    if (key === "Backspace" && !area.value && this.attached.length) return () => this.remove(this.attached.length - 1);
    return null;
  }

  /** @param {number} back how many questions ago; -1 is an empty line */
  recall(back) {
    const asked = (this.panel.state?.entries ?? []).filter((entry) => entry.role === "user" && entry.text).reverse();
    if (back >= asked.length) return;
    this.put(back < 0 ? "" : asked[back].text ?? "");
    this.recalled = back;
  }

  async submit() {
    const { panel } = this;
    const text = this.area.value.trim();
    if (!text || !panel.can("ask")) return;
    const attached = this.attached;
    const { attachments } = this;
    this.attached = [];
    this.put("");
    this.showItems([]);
    const isSent = await panel.ask(text, attachments);
    if (isSent || this.area.value) return;
    this.attached = attached;
    this.put(text);
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
      if ("ref" in attachment) one.label = seen.label || name;
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
    const left = /** @type {NodeListOf<HTMLElement>} */ (this.chips.querySelectorAll("[data-own] > :first-child"));
    (left[Math.min(i, left.length - 1)] ?? this.area).focus();
  }

  drawChips() {
    const { panel } = this;
    const pins = (panel.state?.session.pins ?? []).map((ref) => panel.chip({ ref, label: ref }, true));
    const own = this.attached.map(({ attachment, label, tokens }, i) => h("li.chip", { "data-own": true, keydown: (event) => {
      if (event.key === "Delete" || event.key === "Backspace") this.remove(i);
    } }, button(null, `Show what is sent of ${label}`, (event) => panel.sheets.preview(event, attachment), label),
      tokens !== null && h("span.quiet", {}, kilo(tokens)), button("close", `Remove ${label}`, () => this.remove(i))));
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
    if (!files.length || event.defaultPrevented) return;
    event.preventDefault();
    files.forEach((file) => this.attachFile(file));
  }

  /** @param {File} file */
  async attachFile(file) {
    const { name, type } = file;
    const isText = TEXTUAL.test(type) || TEXTUAL_NAME.test(name);
    if (!isText && !type.startsWith("image/")) {
      this.panel.say(`${name} is neither text nor a picture, so it cannot be attached here.`);
      return;
    }
    try {
      const content = await contentOf(file, "name it as @file:… instead");
      this.attach({ ...content, mime: isText && !type.startsWith("text/") ? "text/plain" : type });
    } catch (error) {
      this.panel.say(sentenceOf(error));
    }
  }

  async plan() {
    const { panel, area } = this;
    const text = area.value.trim();
    const asked = ++this.asked;
    if (!panel.can("plan") || !text) {
      this.meter.hidden = true;
      this.remarks.replaceChildren();
      return;
    }
    const planned = await panel.carrier.do("plan", { text, attachments: this.attachments }).catch(() => null);
    if (!planned || asked !== this.asked) return;
    const { tokens, num_ctx: window, notes = [], left_out: left = [] } = planned;
    const words = `${kilo(tokens)} of ${kilo(window)}`;
    const more = [...notes, ...left.map((/** @type {any} */ one) => `Left out: ${one.label} (${one.reason}).`)];
    this.meter.hidden = false;
    this.meter.replaceChildren(
      h("meter", { min: 0, max: window || 1, high: 0.9 * (window || 1), optimum: 0, value: tokens, label: `The window is filled to ${words} tokens` }),
      h("span.quiet", {}, words));
    this.remarks.replaceChildren(...more.map((note) => h("p", {}, note)));
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
      pointerdown: prevent, click: () => this.pick(item),
    }, h("span", {}, item.label), h("span.quiet", {}, item.kind))));
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
    write(this.peek, `${seen.label} · about ${kilo(seen.tokens)} tokens\n${seen.text}`);
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
