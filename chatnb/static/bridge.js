/**
 * What a kernel may ask of the notebook that it serves: what stands in its cells now, saved or not, and changes.
 *
 * It asks by a message of its own on IOPub: a page that does not know it passes it over, where a comm would be an error in
 * the page or in the kernel. The answer is a custom request of the debug protocol, since that goes over the control channel,
 * which every ipykernel hears while a cell runs, and since neither server nor page take it for the end of what runs.
 * chatnb/bridge.py is the other side.
 *
 * The labextension serves every notebook of the page; where there is none, a panel serves its own.
 */

const SERVED = Symbol.for("chatnb");

/** A server drops the connection at a message of 10 MB. */
const LARGEST_CHARS = 3_000_000;

/**
 * Answer the kernel of a notebook, also when it is another one later.
 * @param {any} context JupyterLab's of the document; what other front ends have, or nothing, is not served
 */
export function serve(context) {
  const session = context?.sessionContext;
  if (!session?.iopubMessage || session[SERVED]) return;
  session[SERVED] = true;
  session.iopubMessage.connect((/** @type {any} */ _, /** @type {any} */ { header, content }) => {
    const { kernel } = session.session ?? {};
    const shared = context.model?.sharedModel;
    if (header.msg_type !== "chatnb_ask" || content.v !== 1 || !kernel?.requestDebug || !shared?.insertCells) return;
    const at = shared.cells.findIndex((/** @type {any} */ cell) => cell.id === content.cell);
    // What a cell asks is for the page that runs it, and for the notebook that it stands in; new cells are put below one.
    if (content.client ? content.client !== kernel.clientId || at < 0 : content.put) return;
    const { put, change } = content;
    const changed = change && shared.cells.find((/** @type {any} */ cell) => cell.id === change.id && cell.source === change.before);
    // Each is one step of the notebook's undo.
    if (put?.length) shared.insertCells(at + 1, put);
    if (changed) shared.transact(() => changed.setSource(change.after));
    const cells = put || change ? [] : shared.cells.map((/** @type {any} */ cell) =>
      ({ id: cell.id, cell_type: cell.cell_type, source: cell.source, execution_count: cell.execution_count }));
    const isLarge = JSON.stringify(cells).length > LARGEST_CHARS;
    const answer = { id: content.id, cells: isLarge ? null : cells, is_changed: Boolean(changed) };
    // It is rejected where the kernel has gone meanwhile.
    kernel.requestDebug({ seq: 0, type: "request", command: "chatnb", arguments: answer }).done.catch(() => {});
  });
}
