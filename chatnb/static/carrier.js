/**
 * Commands to the kernel over a widget's comm, and their answers.
 *
 * @import {Model} from "./wire.d.ts"
 */

const BUSY_MS = 400;

/** Commands that nobody misses while they wait, or that show it themselves. */
const QUIET = new Set(["complete", "export", "models", "plan", "preview", "search", "sessions", "stale", "suggest", "tools"]);

/** Commands to the kernel over a widget's comm, and their answers. */
export class Carrier {
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
      return Promise.reject(new Error("The kernel of this panel has gone. Run the cell again to go on; nothing is lost."));
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
