/**
 * One message of the conversation, as it is drawn.
 *
 * @import {Entry, Live, Part, TextPart, ToolPart} from "./wire.d.ts"
 * @import {Panel} from "./panel.js"
 */

import { button, form, h, lines, morph, picture, rove, seconds, setChildren, write } from "./page.js";

/** Draws one message. */
export class EntryView {
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
    this.who = h("span.who");
    this.when = h("time.when");
    this.mark = h("span.mark");
    this.tools = rove(h("div.actions", { role: "toolbar", label: "With this message" }));
    this.notes = h("div.remarks");
    this.parts = h("div.parts");
    this.status = h("p.status");
    this.end = h("div.end");
    this.node = h(`article.entry.${role}`, { tabindex: -1 },
      // What is done with an answer stands where its reader is then: at its end.
      h("header", {}, this.who, this.when, this.mark, role === "user" && this.tools), this.notes, this.parts, this.status,
      h("div.foot", {}, this.end, role !== "user" && this.tools));
    /** @type {WeakMap<Element, string>} */
    this.drawn = new WeakMap();
    this.isHeard = false;
    /** @type {HTMLElement | null} where the question is written anew */
    this.form = null;
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
    if (isUser) {
      this.drawQuestion(entry);
    } else {
      setChildren(this.notes, ...((live ?? entry).notes ?? []).map((note) => h("p", {}, note)));
      this.drawParts(entry.parts ?? [], Boolean(live));
    }
    const isSilent = live && !isUser && !live.status && !live.parts.length;
    write(this.status, isUser ? "" : isSilent ? "waiting for the model" : live?.status ?? "");
    this.drawEnd(entry);
    if (!live || isUser) this.drawActions(entry, Boolean(mark));
  }

  /** @param {Entry} entry */
  drawQuestion(entry) {
    if (entry.html) {
      this.drawBlocks(this.parts, [entry.html], false);
    } else if (this.parts.textContent !== entry.text) {
      const plain = h("p.plain", { dir: "auto" });
      plain.textContent = entry.text ?? "";
      this.parts.replaceChildren(plain);
    }
    const pictures = (entry.images ?? []).map(({ mime, data }) => picture(mime, data, "A picture that was sent along"));
    const chips = (entry.context ?? []).map((carried) => this.panel.chip(carried));
    setChildren(this.notes, ...pictures, chips.length > 0 && h("ul.chips", { label: "Sent along" }, ...chips));
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
    const given = JSON.stringify(part.arguments);
    const isOpen = part.result === null;
    write(name, part.name);
    write(brief, given === "{}" ? "" : given.slice(0, 120));
    write(state, isOpen ? (isLive ? "running…" : "no result") : part.is_error ? "failed" : seconds(part.duration_s) || "done");
    node.classList.toggle("chatnb-failed", part.is_error);
    write(sent, JSON.stringify(part.arguments, null, 2));
    write(got, part.result ?? "");
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
        node = h("div.block", { dir: "auto" });
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
      const bar = h("div.codebar", {}, h("span", {}, code.dataset.language || "code"),
        button("copy", "Copy the code", () => panel.copyText(text(), "The code is on the clipboard.")),
        button("insert", "Put into a new cell below", () => panel.insert([text()])));
      code.before(rove(bar));
      panel.wide.observe(code);
    }
    for (const wide of [block, ...block.querySelectorAll(".chatnb-table, .chatnb-formula")]) panel.wide.observe(wide);
    for (const remote of /** @type {NodeListOf<HTMLElement>} */ (block.querySelectorAll("button.chatnb-remote"))) {
      const { src = "" } = remote.dataset;
      if (!/^https?:/i.test(src)) continue;
      remote.title = src;
      remote.addEventListener("click", () => remote.replaceWith(h("img", { src, alt: remote.textContent, referrerpolicy: "no-referrer" })));
    }
  }

  /** @param {Entry} entry */
  drawEnd(entry) {
    const { mark, error, warning, footer } = entry;
    setChildren(this.end, mark && h("p.outcome", {}, mark), error && h("p.error", {}, error),
      warning && h("p.error", {}, warning), footer && h("p.footer", {}, footer));
  }

  /**
   * Let a question be written anew where it stands.
   * @param {Entry} entry
   */
  edit({ text = "", turn }) {
    this.form?.remove();
    const end = () => {
      made.remove();
      this.parts.hidden = false;
      this.panel.composer.area.focus();
    };
    const ask = async () => {
      const asked = area.value.trim();
      if (!asked || made.inert) return;
      made.inert = true;
      if (await this.panel.ask(asked, [], turn)) end();
      made.inert = false;
    };
    const area = h("textarea", { dir: "auto", rows: Math.min(text.split("\n").length + 1, 12), label: "The question, to be asked anew", keydown: (event) => {
      if (event.isComposing) return;
      if (event.key === "Escape") end();
      else if (event.key === "Enter" && !event.shiftKey) ask();
      else return;
      event.preventDefault();
      event.stopPropagation();
    } });
    area.value = text;
    const made = form("form", ask, area,
      h("div.line", {}, button(null, "Ask anew", ask, undefined, { kind: "primary" }), button(null, "Cancel", end)));
    this.form = made;
    this.parts.hidden = true;
    this.parts.after(made);
    area.focus();
  }

  /**
   * @param {Entry} entry
   * @param {boolean} isWaiting it is a question that nobody answers yet
   */
  drawActions(entry, isWaiting) {
    const { panel } = this;
    if (isWaiting) {
      setChildren(this.tools, panel.can("cancel") && button("close", "Take this question back", () => panel.takeBack(entry)));
      return;
    }
    const isUser = entry.role === "user";
    const codes = isUser ? [] : [...this.parts.querySelectorAll(".chatnb-text pre.chatnb-code")].map((code) => code.textContent ?? "");
    const { branches, id, turn } = entry;
    /** @param {number} to */
    const branch = (to) => () => panel.run("branch", { turn, to });
    const focused = [...this.tools.querySelectorAll("button")].findIndex((one) => one === document.activeElement);
    setChildren(this.tools,
      panel.can("branch") && branches && h("span.branches", {},
        button(null, "The branch before", branch(branches.at - 1), "‹", { disabled: branches.at <= 1 }),
        h("span", { label: `Branch ${branches.at} of ${branches.of}`, role: "img" }, `${branches.at}/${branches.of}`),
        button(null, "The next branch", branch(branches.at + 1), "›", { disabled: branches.at >= branches.of })),
      panel.can("copy") && button("copy", "Copy as Markdown", () => panel.copyMessage(id)),
      codes.length > 1 && button("insert", `Put all ${codes.length} code blocks into new cells below`, () => panel.insert(codes)),
      !isUser && panel.can("again") && button("again", "Ask again", () => panel.run("again", { turn })),
      !isUser && panel.can("again") && panel.can("models") && button("more", "Ask again with another model", (event) => panel.sheets.models(event, turn)),
      isUser && panel.can("edit") && button(null, "Edit and ask anew", () => this.edit(entry), "Edit"),
      panel.can("hide") && button("hide", entry.is_hidden ? "Show to the model again" : "Hide from the model",
        () => panel.run("hide", { message: id, is_hidden: !entry.is_hidden }), "", { "aria-pressed": String(Boolean(entry.is_hidden)) }),
      !isUser && panel.can("fork") && button(null, "Fork: go on from here in a new session", () => panel.run("fork", { message: id }), "Fork"));
    // They are made anew, and whoever has just pressed one is still there.
    this.tools.querySelectorAll("button")[focused]?.focus();
  }
}

/**
 * @param {Part} part
 */
function newPart(part) {
  const data = { "data-type": part.type };
  if (part.type === "text") return h("div.text", data);
  if (part.type === "thinking") return h("details.thinking", data, h("summary"), h("div"));
  return h("details.tool", data, h("summary", {}, h("code"), h("span.brief"), h("span.took")),
    h("div", {}, lines("Arguments"), lines("Result")));
}
