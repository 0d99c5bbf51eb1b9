/**
 * The notebook around the panel, where the front end hands it out; JupyterLab and Notebook 7 do.
 *
 * @import {Attachment, Model} from "./wire.d.ts"
 */

import { serve } from "./bridge.js";

export class Notebook {
  /**
   * @param {Model} model
   * @param {HTMLElement} element something within the panel's cell
   */
  constructor(model, element) {
    this.model = model;
    this.element = element;
    /** @type {Set<string>} */
    this.inserted = new Set();
    serve(model.widget_manager?.context);
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
export function textFile(name, text) {
  return { name, mime: "text/plain", data: base64(new TextEncoder().encode(text)) };
}

/**
 * @param {Uint8Array} bytes
 */
export function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}
