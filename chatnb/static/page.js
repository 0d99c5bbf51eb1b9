/**
 * Elements of the page, and words on it; text goes in as text.
 */

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  again: "M13 3v4H9M12.6 7A5 5 0 1 0 13 9.5",
  attach: "M12 7.5 7.6 12a2.8 2.8 0 0 1-4-4l5-5a1.9 1.9 0 0 1 2.7 2.7l-4.8 4.9",
  check: "M3 8.5 6.5 12 13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  down: "M8 3v10M4 9l4 4 4-4",
  export: "M8 10V2M5 5l3-3 3 3M3 9v4h10V9",
  hide: "M2 8s2-4 6-4 6 4 6 4-2 4-6 4-6-4-6-4zM3 13 13 3",
  import: "M8 2v8M5 7l3 3 3-3M3 9v4h10V9",
  insert: "M3 2h10v5H3zM8 10v5M5.5 12.5h5",
  more: "M4 6l4 4 4-4",
  new: "M8 3v10M3 8h10",
  pin: "M6 2h4l-.5 5L12 9.5H4L6.5 7zM8 9.5V14",
  send: "M8 13V3M4 7l4-4 4 4",
  settings: "M2 5h7M13 5h1M2 11h1M7 11h7M9 3h4v4H9zM3 9h4v4H3z",
  stop: "M4 4h8v8H4z",
  undo: "M6 3 2.5 6.5 6 10M3 6.5h6a3.5 3.5 0 0 1 0 7H7",
  tools: "M10 2a3.5 3.5 0 0 0-3 5L2.5 11.5l2 2L9 9a3.5 3.5 0 0 0 5-4l-2.5 2-2-2z",
};

/**
 * Make an element: `h("p.quiet")` is a `p` of the class `chatnb-quiet`. A function is a listener, `true` an empty
 * attribute, `label` what a screen reader calls it; what is `null` or `false` is left out. In words nothing hides: see
 * `visible`.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag | `${Tag}.${string}`} kind
 * @param {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} [attributes]
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(kind, attributes = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  const element = /** @type {HTMLElementTagNameMap[Tag]} */ (document.createElement(tag));
  for (const name of classes) element.classList.add(`chatnb-${name}`);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "label") element.setAttribute("aria-label", visible(String(value)));
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  setChildren(element, ...children);
  return element;
}

/**
 * Let an element have these children and no others; what is `null`, `false` or empty is left out.
 * @param {Element} element
 * @param {...(Node | string | null | false | undefined)} children
 */
export function setChildren(element, ...children) {
  element.replaceChildren();
  for (const child of children) if (child) element.append(typeof child === "string" ? visible(child) : child);
}

/**
 * @param {keyof typeof ICONS} name
 */
function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * A button that shows an icon, words, or both; `label` is what it is called, and its words where it has no icon.
 * @param {keyof typeof ICONS | null} sign
 * @param {string} label
 * @param {(event: MouseEvent) => void} click
 * @param {string} [words]
 * @param {Record<string, string | boolean | ((event: any) => void)>} [more] its attributes; `kind` is one more class
 */
export function button(sign, label, click, words = sign ? "" : label, { kind, ...more } = {}) {
  const named = words === label ? {} : { label, title: visible(label) };
  return h(kind ? `button.button.${kind}` : "button.button", { type: "button", ...named, click, ...more }, sign && icon(sign), words && h("span", {}, words));
}

/** @param {Event} event */
export const prevent = (event) => event.preventDefault();

/**
 * Text that keeps its lines; the keyboard can scroll it.
 * @param {string} label
 * @param {string} [text]
 */
export function lines(label, text = "") {
  return h("pre", { tabindex: 0, label }, text);
}

/**
 * A form that goes nowhere.
 * @param {string} kind
 * @param {() => void} submit
 * @param {...(Node | string)} children
 */
export function form(kind, submit, ...children) {
  return h(`form.${kind}`, { submit: (event) => {
    event.preventDefault();
    submit();
  } }, ...children);
}

/**
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  const shown = visible(text);
  if (element.textContent !== shown) element.textContent = shown;
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
export function rove(box, of = "button:not([hidden])") {
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
export function morph(node, wanted) {
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

/**
 * @param {string} text
 */
export async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page that came without encryption has no clipboard but this old one.
    const back = /** @type {HTMLElement | null} */ (document.activeElement);
    const area = h("textarea.unseen", { "aria-hidden": "true" });
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
export function kilo(tokens) {
  if (tokens === null || tokens === undefined) return "";
  return tokens < 1000 ? String(tokens) : `${(tokens / 1000).toFixed(tokens < 10_000 ? 1 : 0)}k`;
}

/**
 * @param {number} count
 * @param {string} word
 */
export function counted(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/**
 * @param {number | null | undefined} count
 */
export function seconds(count) {
  return count === null || count === undefined ? "" : `${count.toFixed(count < 10 ? 1 : 0)} s`;
}

/**
 * @param {string} mime
 * @param {string} data
 * @param {string} alt
 */
export function picture(mime, data, alt) {
  return h("img.thumb", { src: /^image\/[\w.+-]+$/.test(mime) ? `data:${mime};base64,${data}` : "", alt: visible(alt) });
}

/**
 * @param {unknown} error
 */
export function sentenceOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Call `done` once nothing has asked for it for a while.
 * @param {number} milliseconds
 * @param {() => void} done
 */
export function later(milliseconds, done) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(done, milliseconds);
  };
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
