/**
 * What a panel knows: the kernel's state as a snapshot and numbered changes (wire.d.ts), folded without a page.
 *
 * @import {Change, Entry, Known, Live, LiveChange, Message, Part, State} from "./wire.d.ts"
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
      return { ...known, rev: message.rev, state: message.changes.reduce(after, state) };
    case "earlier":
      if (!state || state.session.id !== message.session) return known;
      return { ...known, state: { ...state, entries: merged(message.entries, state.entries), has_more: message.has_more } };
    case "stale": {
      if (!state) return known;
      const changed = new Map(message.stale.map((one) => [one.message, one.changed]));
      const entries = state.entries.map((entry) => withStale(entry, changed.get(entry.id) ?? []));
      return entries.every((entry, i) => entry === state.entries[i]) ? known : { ...known, state: { ...state, entries } };
    }
    default:
      return known;
  }
}

/**
 * A message with what of it has changed since; the very same where nothing else has.
 * @param {Entry} entry
 * @param {string[]} changed
 * @returns {Entry}
 */
function withStale(entry, changed) {
  const context = entry.context?.map((carried) => ({ ...carried, is_stale: changed.includes(carried.label) }));
  return context?.some(({ is_stale: isStale }, i) => isStale !== Boolean(entry.context?.[i].is_stale)) ? { ...entry, context } : entry;
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
function after(state, change) {
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
