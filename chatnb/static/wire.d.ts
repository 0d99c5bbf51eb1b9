/** What a kernel and a panel say to each other, version 1: the types that panel.js is checked against. */

export interface TextPart {
  type: "text" | "thinking";
  /** Safe HTML, one string for each block of Markdown. */
  blocks: string[];
  duration_s?: number | null;
}

export interface ToolPart {
  type: "tool";
  call: string;
  name: string;
  arguments: object;
  result: string | null;
  is_error: boolean;
  duration_s: number | null;
}

export type Part = TextPart | ToolPart;

/** The part of the turn in flight, as it was drawn last. */
export interface SamePart {
  same: number;
}

export interface Carried {
  label: string;
  ref: string;
  tokens?: number | null;
  is_stale?: boolean;
}

/** A finished message as it is shown. */
export interface Entry {
  id: string;
  turn: string;
  role: "user" | "assistant";
  at?: string;
  is_hidden?: boolean;
  text?: string;
  html?: string;
  context?: Carried[];
  images?: { mime: string; data: string }[];
  model?: string;
  outcome?: string | null;
  /** How it ended, where it did not simply end, and where it comes from if no model was asked. */
  mark?: string;
  error?: string;
  parts?: Part[];
  footer?: string;
  notes?: string[];
  warning?: string;
  branches?: { at: number; of: number };
}

export interface Live {
  turn: string;
  question: Entry;
  model: string;
  parts: Part[];
  status: string;
  notes: string[];
}

export interface Proposal {
  call: string;
  turn: string;
  name: string;
  arguments: object;
  effects?: string[];
  preview?: string;
  scope?: string;
  reason?: string;
}

export interface Session {
  id: string;
  title: string;
  model: string;
  system?: string;
  options?: Record<string, unknown>;
  think?: boolean | null;
  pins?: string[];
  place?: string;
}

export interface State {
  session: Session;
  model: string;
  can: string[];
  entries: Entry[];
  has_more: boolean;
  live: Live | null;
  waiting: Entry[];
  approvals: Proposal[];
  notices: string[];
}

/** A change of the turn in flight. */
export type LiveChange = { turn: string } & (
  | { is: "live"; status?: string; model?: string; notes?: string[] }
  | { is: "cut"; parts: number }
  | { is: "part"; part: number; value: Part }
  | { is: "thought"; part: number; duration_s: number }
  | { is: "blocks"; part: number; type: "text" | "thinking"; from: number; keep: number; html: string[] }
);

export type Change =
  | LiveChange
  | { is: "began"; live: Live }
  | { is: "finished"; turn: string; entries: (Omit<Entry, "parts"> & { parts?: (Part | SamePart)[] })[] }
  | { is: "waiting"; entries: Entry[] }
  | { is: "approvals"; proposals: Proposal[] }
  | { is: "session"; session: Session; model?: string }
  | { is: "entry"; entry: Entry }
  | { is: "notice"; text: string };

export type Message =
  | { v: 1; kind: "snapshot"; view: string | null; rev: number; state: State }
  | { v: 1; kind: "delta"; rev: number; changes: Change[] }
  | { v: 1; kind: "done" | "failed"; view: string; id: string; error?: string; [more: string]: unknown }
  | { kind: "stale"; stale: { message: string; changed: string[] }[] }
  | { kind: "earlier"; session: string; entries: Entry[]; has_more: boolean };

/** What a view knows: the kernel's state as of a revision. */
export interface Known {
  view: string;
  rev: number;
  /** A delta was missed: nothing counts until the next snapshot. */
  isLost: boolean;
  state: State | null;
}

/** What `open` is answered if it named a `message`, which it opens the branch of, too. */
export interface Opened {
  turn?: string;
}

/** What `import` is answered, which has the `name` of a file and its `data` in base64. */
export interface Imported {
  sessions: { id: string; title: string; is_new: boolean }[];
  /** Of all of them, without those that were there already. */
  message_count: number;
}

export type Attachment = { ref: string } | { name: string; mime: string; data: string };

/** What anywidget gives to a view. */
export interface Model {
  send(content: object): void;
  on(name: string, handler: (message: any) => void): void;
  off(name: string, handler: (message: any) => void): void;
  widget_manager?: any;
}
