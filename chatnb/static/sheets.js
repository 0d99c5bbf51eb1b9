/**
 * What opens over the conversation: models, sessions, settings, tools, export, a preview.
 *
 * @import {Attachment, Imported, Opened} from "./wire.d.ts"
 * @import {Panel} from "./panel.js"
 */

import { contentOf } from "./files.js";
import { button, counted, form, h, kilo, later, lines, picture, prevent, rove, sentenceOf, setChildren, write } from "./page.js";

const OPTIONS = /** @type {const} */ ([
  ["temperature", "Temperature", "0.1"], ["num_ctx", "Window (tokens)", "1"], ["num_predict", "Longest answer (tokens)", "1"], ["seed", "Seed", "1"],
]);

export class Sheets {
  /** @param {Panel} panel */
  constructor(panel) {
    this.panel = panel;
    this.title = h("h2", { id: `chatnb-${panel.id}-sheet` });
    this.body = h("div.sheetbody");
    /** @type {HTMLElement | null} */
    this.opener = null;
    this.takesFiles = false;
    this.node = h("div.sheet", { role: "dialog", "aria-labelledby": this.title.id, hidden: true,
      dragover: prevent, drop: (event) => {
        event.preventDefault();
        if (this.takesFiles) this.takeIn(event.dataTransfer.files);
      }, keydown: (event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        this.close();
      } },
      h("header", {}, this.title, button("close", "Close", () => this.close())), this.body);
  }

  close() {
    if (this.node.hidden) return;
    const hadFocus = this.node.contains(document.activeElement);
    this.node.hidden = true;
    this.panel.root.classList.remove("chatnb-opened");
    this.opener?.setAttribute("aria-expanded", "false");
    if (hadFocus) (this.opener?.isConnected ? this.opener : this.panel.composer.area).focus();
  }

  /**
   * @param {MouseEvent} event whose button opened it, and gets the focus back
   * @param {string} title
   * @param {() => Promise<(Node | string | null | false)[]>} fill
   * @param {boolean} [takesFiles] whether files with sessions may be dropped on it
   */
  async open(event, title, fill, takesFiles = false) {
    const opener = /** @type {HTMLElement} */ (event.currentTarget);
    const isSame = !this.node.hidden && this.opener === opener;
    this.close();
    if (isSame) return;
    this.opener = opener;
    this.takesFiles = takesFiles;
    opener.setAttribute("aria-expanded", "true");
    write(this.title, title);
    this.body.replaceChildren(h("p.quiet", {}, "Asking the kernel…"));
    this.node.hidden = false;
    this.panel.root.classList.add("chatnb-opened");
    /** @type {HTMLElement} */ (this.node.querySelector("header button")).focus();
    try {
      const made = await fill();
      if (this.opener !== opener || this.node.hidden) return;
      setChildren(this.body, ...made);
      this.node.scrollIntoView({ block: "nearest" });
      /** @type {HTMLElement | null} */ (this.body.querySelector("input, textarea, [aria-current=true], button"))?.focus();
    } catch (error) {
      this.body.replaceChildren(h("p.error", { role: "alert" }, sentenceOf(error)));
    }
  }

  /**
   * @param {string} name
   * @param {object} [more]
   */
  async finish(name, more) {
    const got = await this.panel.run(name, more);
    if (got) this.close();
    return got;
  }

  /**
   * @param {MouseEvent} event
   * @param {string} [turn] to be asked again with the model that is chosen; else it becomes the session's
   */
  models(event, turn) {
    this.open(event, turn ? "Ask again with" : "Model", async () => {
      const { models, current } = await this.panel.carrier.do("models");
      const rows = models.map((/** @type {any} */ model) => row(model.name, [
        size(model.size_bytes), ...(model.capabilities ?? []), model.is_loaded ? "loaded" : "",
      ], model.name === current || model.name === `${current}:latest`, () => (turn ? this.finish("again", { turn, model: model.name }) : this.finish("configure", { model: model.name }))));
      return rows.length ? [rove(h("ul.list", {}, ...rows))] : ["The server has no models yet."];
    });
  }

  /** @param {MouseEvent} event */
  sessions(event) {
    this.open(event, "Sessions", async () => {
      const { panel } = this;
      const list = rove(h("ul.list", { label: "Sessions" }));
      const places = rove(h("ul.list", { label: "Places" }));
      let asked = 0;
      const fill = async (/** @type {string} */ query) => {
        const now = ++asked;
        const [{ sessions }, { hits }] = await Promise.all([
          panel.carrier.do("sessions", query ? { query } : {}),
          query.trim() && panel.can("search") ? panel.carrier.do("search", { query }) : { hits: [] },
        ]);
        if (now !== asked) return;
        places.replaceChildren(...hits.map((/** @type {any} */ hit) => row(hit.title, marked(hit.text, hit.spans), false, async () => {
          /** @type {Opened | null} */
          const got = await this.finish("open", { session: hit.session, message: hit.message });
          if (got?.turn) await panel.show(got.turn, hit.role);
        })));
        list.replaceChildren(...sessions.map((/** @type {any} */ one) => row(one.title || "Untitled", [
          one.model, one.message_count === undefined ? "" : counted(one.message_count, "message"), one.updated_at ? new Date(one.updated_at).toLocaleDateString() : "",
        ], one.is_current, () => this.finish("open", { session: one.id }),
        panel.can("delete") && button("close", `Delete ${one.title}`, (click) => this.ask(click, one, fill, search)))));
        if (!sessions.length && !hits.length) list.replaceChildren(h("li.quiet", {}, "No session fits."));
      };
      await fill("");
      const search = h("input", { type: "search", placeholder: "Search", label: "Search the sessions",
        input: later(200, () => fill(search.value).catch((error) => panel.say(sentenceOf(error)))) });
      const files = h("input", { type: "file", hidden: true, change: () => {
        this.takeIn(files.files);
        files.value = "";
      } });
      const title = h("input", { label: "Title of this session", value: panel.state?.session.title ?? "", maxlength: 200 });
      return [
        h("div.line", {}, search, panel.can("new") && button("new", "New session", () => this.finish("new"), "New"),
          panel.can("import") && button("import", "Import a file with sessions", () => files.click(), "Import"), files),
        list, places,
        panel.can("rename") && form("line", () => this.finish("rename", { title: title.value }), title, h("button.button", { type: "submit" }, "Rename")),
      ];
    }, this.panel.can("import"));
  }

  /**
   * Import a file, and go on in its newest session.
   * @param {FileList | null | undefined} files
   */
  async takeIn(files) {
    const [file] = files ?? [];
    if (!file) return;
    try {
      /** @type {Imported | null} */
      const got = await this.finish("import", await contentOf(file, "import it by %chat import FILE"));
      if (got) this.panel.say(`${file.name} has ${counted(got.sessions.length, "session")}, with ${counted(got.message_count, "message")} that ${got.message_count === 1 ? "is" : "are"} new.`);
    } catch (error) {
      this.panel.say(sentenceOf(error));
    }
  }

  /**
   * Ask before a session is deleted, in its row.
   * @param {MouseEvent} event
   * @param {any} session
   * @param {(query: string) => Promise<void>} fill
   * @param {HTMLInputElement} search
   */
  ask(event, { id, title, message_count: count }, fill, search) {
    const item = /** @type {HTMLElement} */ (/** @type {Element} */ (event.currentTarget).closest("li"));
    const before = [...item.children];
    const keep = button(null, "Keep it", () => {
      item.replaceChildren(...before);
      /** @type {HTMLElement} */ (before[1]).focus();
    });
    item.replaceChildren(h("p", { role: "alert" }, `Delete “${title}” with ${counted(count, "message")}? It goes to the trash.`),
      h("div.line", {}, keep, button(null, "Delete", async () => {
        if (await this.panel.run("delete", { session: id })) await fill(search.value).catch(() => {});
        search.focus();
      })));
    keep.focus();
  }

  /** @param {MouseEvent} event */
  settings(event) {
    this.open(event, "Settings of this session", async () => {
      const { system = "", options = {}, think = null } = this.panel.state?.session ?? {};
      const prompt = h("textarea", { rows: 4, dir: "auto" });
      prompt.value = system;
      const choice = h("select", {}, ...[["", "As the model does"], ["true", "Yes"], ["false", "No"]].map(([value, words]) =>
        h("option", { value, selected: value === String(think ?? "") }, words)));
      const fields = OPTIONS.map(([name, words, step]) => ({ name, words, input: h("input", { type: "number", step, value: /** @type {any} */ (options)[name] ?? "" }) }));
      const known = new Set(fields.map(({ name }) => String(name)));
      const others = Object.entries(options).filter(([name]) => !known.has(name));
      const rest = h("textarea", { rows: 2, spellcheck: "false" });
      rest.value = others.length ? JSON.stringify(Object.fromEntries(others)) : "";
      const problem = h("p.error", { role: "alert" });
      const save = () => {
        try {
          const chosen = { ...JSON.parse(rest.value.trim() || "{}") };
          for (const { name, input } of fields) if (input.value !== "") chosen[name] = Number(input.value);
          this.finish("configure", { system: prompt.value, options: chosen, think: choice.value ? choice.value === "true" : null });
        } catch {
          write(problem, 'Other options have to be JSON, such as {"top_p": 0.9}.');
        }
      };
      return [form("form", save,
        h("label", {}, "System prompt", prompt),
        h("label", {}, "Think before answering", choice),
        h("div.pairs", {}, ...fields.map(({ words, input }) => h("label", {}, words, input))),
        h("label", {}, "Other options (JSON)", rest), problem,
        h("div.line", {}, h("button.button.primary", { type: "submit" }, "Save")))];
    });
  }

  /** @param {MouseEvent} event */
  tools(event) {
    this.open(event, "Tools", async () => {
      const { tools } = await this.panel.carrier.do("tools");
      if (!tools.length) return ["There are no tools."];
      const rules = /** @type {Record<string, string>} */ ({ always: "runs without asking", ask: "asks first", never: "never runs" });
      const list = h("ul.list.tools", { change: () => {
        const chosen = [...list.querySelectorAll("input")].filter((box) => box.checked).map((box) => box.value);
        this.panel.run("choose", { tools: chosen });
      } }, ...tools.map((/** @type {any} */ tool) => h("li", {}, h("label", {},
        h("input", { type: "checkbox", value: tool.name, checked: tool.is_chosen }), h("b", {}, tool.name), ` ${tool.description ?? ""} `,
        h("span.quiet", {}, [...(tool.may?.length ? [`may: ${tool.may.join(", ")}`] : []), rules[tool.rule] ?? tool.rule].join(" · "))))));
      return [list];
    });
  }

  /** @param {MouseEvent} event */
  export(event) {
    this.open(event, "Export", async () => {
      const { panel } = this;
      const { formats } = await panel.carrier.do("export");
      const get = async (/** @type {string} */ format) => {
        const got = await panel.run("export", { format });
        return got && { ...got, bytes: Uint8Array.from(atob(got.data), (char) => char.charCodeAt(0)) };
      };
      const copy = async () => {
        const got = await get("md");
        if (got) panel.copyText(new TextDecoder().decode(got.bytes), "The conversation is on the clipboard.");
      };
      const save = async (/** @type {string} */ format) => {
        const got = await get(format);
        if (!got) return;
        const link = h("a", { href: URL.createObjectURL(new Blob([got.bytes], { type: got.mime })), download: got.name });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      };
      const rows = formats.map((/** @type {any} */ { name, about }) => row(`Save as .${name}`, [about], false, () => save(name)));
      return [button("copy", "Copy as Markdown", copy, "Copy as Markdown"), rove(h("ul.list", { label: "Formats" }, ...rows))];
    });
  }

  /**
   * @param {MouseEvent} event
   * @param {Attachment} attachment
   */
  preview(event, attachment) {
    this.open(event, "What is sent", async () => {
      const { label, text, tokens, image } = await this.panel.carrier.do("preview", "ref" in attachment ? attachment : { attachment });
      return [h("p", {}, h("b", {}, label), tokens ? ` · about ${kilo(tokens)} tokens` : ""),
        image && picture(image.mime, image.data, label), text && lines("The text that is sent", text)];
    });
  }
}

/** @param {number | null} bytes */
function size(bytes) {
  if (!bytes) return "";
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/**
 * @param {string} name
 * @param {string[] | Node} more
 * @param {boolean} isCurrent
 * @param {() => void} click
 * @param {Node | false} [beside]
 */
function row(name, more, isCurrent, click, beside) {
  return h(beside ? "li.beside" : "li", {}, h("button.row", { type: "button", "aria-current": isCurrent ? "true" : null, click },
    h("span", { dir: "auto" }, name), more instanceof Node ? more : h("span.quiet", {}, more.filter(Boolean).join(" · "))), beside);
}

/**
 * A text with the words marked that were looked for; `spans` counts characters, not UTF-16 units.
 * @param {string} text
 * @param {[number, number][]} spans
 */
function marked(text, spans) {
  const chars = [...text];
  const made = h("span.quiet", { dir: "auto" });
  let at = 0;
  const piece = (/** @type {number} */ to) => chars.slice(at, at = to).join("");
  const pieces = spans.flatMap(([begin, end]) => [piece(begin), h("mark", {}, piece(end))]);
  setChildren(made, ...pieces, piece(chars.length));
  return made;
}
