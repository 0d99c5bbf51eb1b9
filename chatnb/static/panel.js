/**
 * The chat panel: draws what the kernel says, and sends what the reader does.
 *
 * It keeps nothing that matters. The kernel's state is folded in states.js; `Panel.draw` patches the page where a state
 * differs from what is drawn. The only HTML is the kernel's, which is safe. Nothing is fetched from anywhere.
 *
 * These files are modules of their own for whoever reads them; a widget takes one, so chatnb/scripts.py joins them.
 *
 * @import {Attachment, Carried, Entry, Live, Message, Model, Proposal, State} from "./wire.d.ts"
 */

import { approvalCard } from "./approval.js";
import { Carrier } from "./carrier.js";
import { Composer } from "./composer.js";
import { EntryView } from "./messages.js";
import { Notebook } from "./notebook.js";
import { button, h, kilo, prevent, rove, sentenceOf, sentences, setChildren, toClipboard, visible, write } from "./page.js";
import { Sheets } from "./sheets.js";
import { begin, reduce } from "./states.js";

const NEAR_END_PX = 32;
/** Messages that are brought at once: to whoever scrolls, few enough for a frame; on the way to a far one. */
const NEAR = 20;
const FAR = 40;
/** Messages that lie in one box, which a browser leaves alone where it is not in view: of each it would look at each frame. */
const PAGE = 40;
const SILENCE_MS = 10_000;
const HERE_MS = 60_000;
let panels = 0;

export class Panel {
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
    /** @type {unknown[]} what all is drawn from but the answer in flight */
    this.drawn = [];
    /** @type {EntryView | null} that answer */
    this.answering = null;
    /** @type {Element | null} the output that the panel lives in, once it does */
    this.output = null;
    /** @type {Entry[]} questions that the kernel has not taken yet */
    this.unsent = [];
    this.silenced = 0;
    this.wasLive = false;
    this.isBusy = false;
    this.follows = true;
    this.top = 0;
    this.frame = 0;
    this.selection = "";
    /** @type {Promise<boolean> | null} earlier messages that are on their way */
    this.bringing = null;
    /** @type {WeakMap<Element, number>} how much of a block was let be heard */
    this.spoken = new WeakMap();
    this.heardAt = 0;
    this.wide = new ResizeObserver((seen) => {
      for (const { target } of seen) {
        if (target.scrollWidth <= target.clientWidth) target.removeAttribute("tabindex");
        else Object.assign(target, { tabIndex: 0, role: "group", ariaLabel: "Scrolls sideways" });
      }
    });
    // A message gets its height when it comes into view. Whoever writes still sees what they write when the panel grows.
    this.heights = new ResizeObserver(() => {
      this.stick();
      if (this.isSeen && this.root.contains(document.activeElement)) this.composer.node.scrollIntoView({ block: "nearest" });
    });
    this.isSeen = false;
    this.sight = new IntersectionObserver((seen) => {
      this.isSeen = seen[seen.length - 1].intersectionRatio > 0.9;
    }, { threshold: [0.9, 1] });
    this.sheets = new Sheets(this);
    this.composer = new Composer(this);
    const { sheets } = this;
    const opens = { "aria-haspopup": "dialog", "aria-expanded": "false" };
    const opener = (/** @type {"tools" | "settings" | "export"} */ sheet, /** @type {string} */ label, /** @type {string} */ needs = sheet) =>
      button(sheet, label, (event) => sheets[sheet](event), "", { ...opens, "data-needs": needs });
    this.title = button(null, "Sessions", (event) => sheets.sessions(event), " ", { ...opens, kind: "title", dir: "auto" });
    this.who = button("more", "Model", (event) => sheets.models(event), " ", { ...opens, kind: "model" });
    this.bar = rove(h("div.bar", { role: "toolbar", label: "This chat" }, this.title, this.who,
      opener("tools", "Tools"), opener("settings", "Settings", "configure"), opener("export", "Export"),
      button("new", "New session", () => this.run("new"), "", { "data-needs": "new" }),
      this.taker = button("undo", "Undo the last turn", () => this.undo(), "", { "data-needs": "undo" })));
    this.entries = h("div.entries", { role: "feed", label: "Conversation" });
    this.asks = h("div");
    this.starters = h("div.starters");
    this.log = h("div.log", { tabindex: 0, role: "group", label: "Conversation; Page Up and Page Down go between messages",
      scroll: () => this.scrolled(), keydown: (event) => this.page(event) }, this.starters, this.entries, this.asks);
    this.back = button("down", "Back to the end", () => this.toEnd(), "Back to the end", { kind: "back" });
    this.notices = h("div.notices");
    this.toast = h("div.toast", { role: "status" });
    this.heard = h("div.unseen", { "aria-live": "polite" });
    /** @type {HTMLElement} */
    this.root = h("section.panel", { label: "Chat", keydown: (event) => this.escape(event),
      dragover: prevent, drop: (event) => this.composer.take(event, event.dataTransfer),
      // Whoever comes back may have run cells meanwhile.
      focusin: (event) => !this.root.contains(event.relatedTarget) && this.look(),
      pointerdown: (event) => !sheets.node.contains(event.target) && !sheets.opener?.contains(event.target) && sheets.close() },
      this.bar, sheets.node, h("div.middle", {}, this.log, this.back), this.notices, this.toast, this.composer.node, this.heard);
    element.append(this.root);
    for (const grown of [this.entries, this.composer.node]) this.heights.observe(grown);
    this.sight.observe(this.composer.node);
  }

  get state() {
    return this.known.state;
  }

  /** Begin, and return what ends it. */
  start() {
    const hear = (/** @type {Message} */ message) => this.take(message);
    // JupyterLab's shortcuts would take letters typed on a button, but saving and the palette stay.
    const shield = (/** @type {KeyboardEvent} */ event) => {
      const { target } = event;
      if (!(target instanceof Element) || !this.root.contains(target)) return;
      const isLabs = (event.ctrlKey || event.metaKey) && (event.shiftKey || event.key === "s") && event.key !== "Enter";
      // It looks at the focused element first, so the mark has to be on that one.
      target.toggleAttribute("data-lm-suppress-shortcuts", !isLabs);
    };
    const select = () => {
      const selection = document.getSelection();
      if (selection?.anchorNode && !this.root.contains(selection.anchorNode)) this.selection = selection.toString().trim();
    };
    const look = () => {
      if (this.state?.live && performance.now() - this.heardAt > SILENCE_MS) this.hello();
    };
    const ended = new AbortController();
    const { signal } = ended;
    this.model.on("msg:custom", hear);
    window.addEventListener("keydown", shield, { capture: true, signal });
    window.addEventListener("online", look, { signal });
    document.addEventListener("selectionchange", select, { signal });
    const isHere = () => this.state?.approvals.length && this.carrier.tell("here");
    const watches = [setInterval(look, SILENCE_MS), setInterval(isHere, HERE_MS)];
    this.composer.node.hidden = true;
    this.hello();
    return () => {
      this.model.off("msg:custom", hear);
      ended.abort();
      watches.forEach((watch) => clearInterval(watch));
      this.output?.classList.remove("chatnb-lives");
      this.carrier.tell("bye");
      cancelAnimationFrame(this.frame);
      this.wide.disconnect();
      this.heights.disconnect();
      this.sight.disconnect();
    };
  }

  hello() {
    this.heardAt = performance.now();
    return this.carrier.hello().catch((error) => this.say(sentenceOf(error)));
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
    if (message.kind === "snapshot") {
      if (message.view === known.view) this.carrier.greeted();
      this.look();
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
    const answer = turn ? this.run("edit", { turn, text }) : this.run("ask", { text, attachments });
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

  /** Take the last question back; its words can be written anew. */
  async undo() {
    const { area } = this.composer;
    const got = await this.run("undo");
    if (got?.text && !area.value) this.composer.put(got.text);
    if (got) area.focus();
  }

  /**
   * Take a question back that waits; its words can be written anew.
   * @param {Entry} entry
   */
  takeBack({ turn, text = "" }) {
    const { area } = this.composer;
    this.run("cancel", { turn });
    if (!area.value) this.composer.put(text);
    area.focus();
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
    const { live, ...rest } = state;
    const answer = live && { id: "", turn: live.turn, role: /** @type {const} */ ("assistant"), model: live.model, parts: live.parts };
    const now = [...Object.values(rest), live?.turn, this.unsent, this.isBusy];
    const isSame = now.every((one, i) => one === this.drawn[i]);
    this.drawn = now;
    // While an answer grows nothing else is looked at, however long the conversation is.
    if (isSame && answer) this.answering?.update(answer, live);
    else this.drawAll(state, answer);
    this.stick();
    this.back.hidden = this.follows;
  }

  /**
   * @param {State} state
   * @param {Entry | null} answer the one in flight
   */
  drawAll(state, answer) {
    this.output = this.root.closest(".jp-OutputArea");
    this.output?.classList.add("chatnb-lives");
    this.root.closest(".jp-LinkedOutputView")?.classList.add("chatnb-view");
    this.composer.node.hidden = !this.can("ask");
    showChosen(this.title, "Session", state.session.title || "New session");
    showChosen(this.who, "Model", state.model || "no model");
    this.title.disabled = !this.can("sessions");
    this.who.disabled = !this.can("models");
    for (const needy of /** @type {NodeListOf<HTMLElement>} */ (this.bar.querySelectorAll("[data-needs]"))) needy.hidden = !this.can(needy.dataset.needs ?? "");
    this.taker.hidden ||= !state.entries.length || Boolean(state.live);
    this.drawEntries(state, answer);
    if (this.wasLive && !state.live) this.hear("The answer is complete.");
    this.wasLive = Boolean(state.live);
    this.drawApprovals(state.approvals);
    this.drawNotices(state.notices);
    this.composer.draw(state);
    this.root.classList.toggle("chatnb-empty", !this.views.size);
  }

  /**
   * @param {State} state
   * @param {Entry | null} answer
   */
  drawEntries({ entries, live, waiting }, answer) {
    /** @type {[string, Entry, Live | null, string][]} */
    const rows = [];
    /** @type {Map<string, number>} */
    const counts = new Map();
    // A turn keeps its elements when it is over: the key is the turn and which of its messages it is.
    const add = (/** @type {Entry} */ entry, /** @type {Live | null} */ inFlight, mark = "") => {
      const key = `${entry.turn} ${entry.role}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      rows.push([`${key} ${counts.get(key)}`, entry, inFlight, mark]);
    };
    // What was taken back behind the turn in flight is over before it.
    const at = live ? entries.findLastIndex(({ id }) => id < live.question.id) + 1 : entries.length;
    entries.slice(0, at).forEach((entry) => add(entry, null));
    if (live && answer) {
      add(live.question, null);
      add(answer, live);
    }
    entries.slice(at).forEach((entry) => add(entry, null));
    waiting.forEach((entry) => add(entry, null, "waits for the answer before it"));
    this.unsent.forEach((entry) => add(entry, null, this.isBusy ? "the kernel is busy; this waits" : "sending"));
    const hadFocus = this.entries.contains(document.activeElement);
    const keys = new Set(rows.map(([key]) => key));
    for (const [key, view] of this.views) {
      if (keys.has(key)) continue;
      leave(view.node);
      this.views.delete(key);
    }
    /** @type {Element | null} */
    let before = null;
    for (const [key, entry, inFlight, mark] of rows) {
      const view = this.views.get(key) ?? new EntryView(this, entry.role);
      this.views.set(key, view);
      view.update(entry, inFlight, mark);
      if (inFlight) this.answering = view;
      this.place(view.node, before);
      before = view.node;
    }
    // Whoever was at a message that has gone, such as one of another branch, can go on by the keyboard.
    if (hadFocus && !this.entries.contains(document.activeElement)) this.composer.area.focus();
    this.entries.setAttribute("aria-busy", String(Boolean(live)));
    this.starters.hidden = rows.length > 0;
    this.entries.hidden = !rows.length;
  }

  /**
   * Let a message stand behind another one, or first, in a page that is not full.
   * @param {Element} node
   * @param {Element | null} before
   */
  place(node, before) {
    const next = before?.nextElementSibling ?? (before ? before.parentElement?.nextElementSibling : this.entries.firstElementChild)?.firstElementChild;
    if (node === next) return;
    leave(node);
    const page = before ? before.parentElement : this.entries.firstElementChild;
    const isFull = !page || (page.childElementCount >= PAGE && !before?.nextElementSibling);
    const made = isFull ? h("div.page", {}, node) : node;
    if (before) (isFull ? page : before)?.after(made);
    else (isFull ? this.entries : page).prepend(made);
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
      this.hear(`May ${proposal.name} run? Nothing runs before you answer.`);
      // The heading, not a button: whoever is typing must not agree by accident.
      if (this.root.contains(document.activeElement) && !this.composer.area.value) /** @type {HTMLElement} */ (card.firstElementChild).focus();
    }
  }

  /** @param {string[]} notices */
  drawNotices(notices) {
    const shown = notices.slice(this.silenced);
    if (this.notices.childElementCount === shown.length) return;
    this.notices.replaceChildren(...shown.map((notice) => h("p", {}, notice, button("close", "Dismiss", () => {
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
    setChildren(this.toast, ...(sentence ? [h("span", {}, sentence), more, button("close", "Dismiss", () => this.say(""))] : []));
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
    if (scrollTop < 2 * clientHeight && this.state?.has_more) this.earlier(NEAR);
  }

  toEnd() {
    this.follows = true;
    this.stick();
    this.composer.area.focus();
  }

  /**
   * Bring messages from before those that are drawn, and return whether there were any.
   * @param {number} count
   */
  earlier(count) {
    this.bringing ??= this.bring(count).finally(() => {
      this.bringing = null;
    });
    return this.bringing;
  }

  /** @param {number} count */
  async bring(count) {
    const { state } = this;
    if (!state?.entries.length || !this.can("earlier")) return false;
    const got = await this.run("earlier", { before: state.entries[0].id, count });
    if (!got) return false;
    this.known = reduce(this.known, { kind: "earlier", session: state.session.id, entries: got.entries, has_more: got.has_more });
    // What is in view stays where it is; at the very top no browser sees to that.
    const { top } = this.log.getBoundingClientRect();
    /** @param {Element | null | undefined} box */
    const seen = (box) => [...(box?.children ?? [])].find((one) => one.getBoundingClientRect().bottom > top);
    const first = this.follows ? null : seen(seen(this.entries));
    const before = first?.getBoundingClientRect().top ?? 0;
    this.draw();
    if (first) this.log.scrollTop += first.getBoundingClientRect().top - before;
    return got.entries.length > 0;
  }

  /**
   * Go to a message of the session that was just opened, and mark it until the reader goes on.
   * @param {string} turn
   * @param {string} role
   */
  async show(turn, role) {
    await this.hello();
    this.draw();
    const find = () => [...this.views.values()].find(({ entry }) => entry?.turn === turn && (entry.role === "user") === (role === "user"))?.node;
    let node = find();
    while (!node && this.state?.has_more && (await this.earlier(FAR))) node = find();
    if (!node) {
      this.say("This message is not in the conversation any more.");
      return;
    }
    this.follows = false;
    node.classList.add("chatnb-found");
    node.addEventListener("focusout", () => node.classList.remove("chatnb-found"), { once: true });
    node.focus({ preventScroll: true });
    this.log.scrollTop += node.getBoundingClientRect().top - this.log.getBoundingClientRect().top;
    this.scrolled();
  }

  /** @param {KeyboardEvent} event */
  page(event) {
    if (event.key !== "PageUp" && event.key !== "PageDown") return;
    const nodes = [...this.entries.querySelectorAll("article")];
    const at = nodes.findIndex((node) => node.contains(document.activeElement));
    const to = event.key === "PageUp" ? (at < 0 ? nodes.length : at) - 1 : at + 1;
    if (!nodes[to]) return;
    event.preventDefault();
    nodes[to].focus();
    nodes[to].scrollIntoView({ block: "nearest" });
  }

  /** Look what the notebook is like now. */
  look() {
    this.suggest();
    this.freshen();
  }

  async suggest() {
    if (!this.can("suggest") || this.state?.entries.length || this.state?.live) return;
    const { starters = [] } = await this.carrier.do("suggest").catch(() => ({}));
    // Whoever is just clicking on one must not find another one below the pointer.
    const key = JSON.stringify(starters);
    if (key === this.starters.dataset.key) return;
    this.starters.dataset.key = key;
    this.starters.replaceChildren(...starters.map((/** @type {any} */ one) => button(null, one.text, async () => {
      this.composer.put(one.text);
      for (const ref of one.refs ?? []) await this.composer.attach({ ref });
      this.composer.area.focus();
    }, one.text, { kind: "plainly" })));
  }

  /** Ask which of the things that were sent along have changed since. */
  async freshen() {
    if (!this.can("stale")) return;
    const { stale = [] } = await this.carrier.do("stale").catch(() => ({}));
    this.known = reduce(this.known, { kind: "stale", stale });
    this.later();
  }

  /**
   * @param {Carried} carried
   * @param {boolean} [isPinned]
   */
  chip({ label, ref, tokens, is_stale: isStale }, isPinned = false) {
    const pinned = isPinned || Boolean(this.state?.session.pins?.includes(ref));
    return h("li.chip", {},
      ref && this.can("preview") ? button(null, `Show what would be sent of ${label} now`, (event) => this.sheets.preview(event, { ref }), label) : h("span", {}, label),
      tokens ? h("span.quiet", {}, kilo(tokens)) : "",
      isStale && h("span.stale", {}, "changed since"),
      ref && this.can("pin") && button("pin", pinned ? `Unpin ${label}` : `Send ${label} with every question`,
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
 * Take a message off, and its page with the last one of it.
 * @param {Element} node
 */
function leave(node) {
  const page = node.parentElement;
  node.remove();
  if (!page?.childElementCount) page?.remove();
}

/**
 * @param {HTMLElement} opener a button that shows what is chosen
 * @param {string} kind
 * @param {string} chosen
 */
function showChosen(opener, kind, chosen) {
  write(/** @type {Element} */ (opener.lastElementChild), chosen);
  opener.setAttribute("aria-label", `${kind}: ${visible(chosen)}`);
}

/**
 * Show the panel of a widget; what is returned takes it away.
 * @param {{model: Model, el: HTMLElement}} given
 */
function render({ model, el }) {
  return new Panel(model, el).start();
}

export default { render };
